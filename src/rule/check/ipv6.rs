//! IPv6 addresses in the text forms of RFC 4291.

use std::net::Ipv6Addr;

use super::Check;

pub(super) const CHECK: Check = Check {
    name: "ipv6",
    doc: "An IPv6 address in a text form of RFC 4291, without a zone or prefix length.",
    valid: |text| text.parse::<Ipv6Addr>().is_ok(),
    passes: &["2001:db8::1", "::", "fe80:0:0:0:1:2:3:4", "::ffff:192.0.2.1"],
    fails: &["2001:db8:::1", "12:30", "1:2:3:4:5:6:7:8:9", "g::1"],
};
