//! IPv4 addresses in dotted decimal form.

use std::net::Ipv4Addr;

use super::Check;

pub(super) const CHECK: Check = Check {
    name: "ipv4",
    doc: "An IPv4 address: four decimal numbers of 0 to 255 without leading zeros, parted by dots.",
    valid: |text| text.parse::<Ipv4Addr>().is_ok(),
    passes: &["192.168.0.1", "0.0.0.0", "255.255.255.255"],
    fails: &["256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4"],
};
