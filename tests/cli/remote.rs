//! Inputs by address: `s3://`, `http://`. What needs a server is in the folder of the same name.

#[cfg(feature = "remote")]
mod broken;
#[cfg(feature = "remote")]
mod jobs;
#[cfg(feature = "remote")]
mod objects;
#[cfg(feature = "remote")]
mod server;

use super::Bench;

#[cfg(not(feature = "remote"))]
#[test]
fn a_program_without_addresses_says_how_to_build_one_with_them() {
    let bench = Bench::new().write("a.txt", "Paris\n");
    for address in
        ["s3://bucket/in/", "gs://bucket/a.txt", "az://bucket/*.txt", "https://host/a.txt"]
    {
        let told = bench.run(&["tag", address]).failed();
        let expected =
            format!("cannot read {address}: this program is built without inputs by address");
        assert!(told.contains(&expected), "{told}");
        assert!(told.contains("cargo build --release --features remote"), "{told}");
    }
    // The others are read.
    let ran = bench.run(&["tag", "s3://bucket/in/", "a.txt"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("Paris"), "{}", ran.out);
}

#[test]
fn an_address_that_is_wrong_is_told_without_asking_anyone() {
    let bench = Bench::new();
    for (address, expected) in [
        ("ftp://host/a.txt", "unknown scheme 'ftp'"),
        ("s3:///key", "expected a name behind 's3://', got ''"),
        ("http://host/folder/", "a web server does not list what is under an address"),
        ("https://user:secret@host/a.txt", "an address holds no credentials"),
    ] {
        let told = bench.run(&["tag", address]).failed();
        assert!(told.contains(expected) && !told.contains("secret"), "{told}");
    }
    let told = bench.run(&["tag", "--watch", "s3://bucket/in/"]).failed();
    assert!(told.contains("an address cannot be watched"), "{told}");
}
