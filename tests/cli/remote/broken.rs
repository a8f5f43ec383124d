//! Connections that break: another try, or an error, and never fewer documents without one.

use super::objects::{command, large, tag};
use super::server::{Fault, Manners, Server};
use crate::cli::{Bench, ran};

fn lines() -> String {
    (0..2000).map(|n| format!("{{\"id\":\"{n}\",\"text\":\"Paris {n}\"}}\n")).collect()
}

#[test]
fn an_answer_that_breaks_off_goes_on_where_it_was() {
    let (bench, server) = (Bench::new().write("a.jsonl", lines()), Server::start());
    server.put("/crawl/a.jsonl", lines());
    server.fault("/crawl/a.jsonl", &[Fault::Break(1000), Fault::Break(0), Fault::None]);
    let files = bench.run(&["tag", "a.jsonl"]).clean();
    assert_eq!(tag(&bench, &server, &["s3://crawl/a.jsonl"]).clean(), files);
    let log = server.log();
    let end = lines().len();
    let gets: Vec<&String> = log.iter().filter(|line| line.starts_with("GET ")).collect();
    assert_eq!(gets.len(), 3, "{log:?}");
    // What came before the break is not asked for again.
    assert!(!gets[1].ends_with(&format!(" 0..{end}")), "{log:?}");
    // A service that fails for a moment is asked again.
    server.fault("/crawl/a.jsonl", &[Fault::Status(503), Fault::Status(429), Fault::None]);
    assert_eq!(tag(&bench, &server, &["s3://crawl/a.jsonl"]).clean(), files);
}

#[test]
fn where_no_version_is_named_a_break_is_an_error() {
    let bench = Bench::new().write("b.txt", "Texas");
    for ranges in [true, false] {
        let server = Server::with(Manners { ranges, e_tag: false, head: true });
        for (name, bytes) in
            [("a.jsonl", lines()), ("a.csv", format!("text\n{}", "Paris\n".repeat(9000)))]
        {
            let path = format!("/{name}");
            server.put(&path, bytes);
            server.fault(&path, &[Fault::Break(20_000)]);
            let address = format!("{}{path}", server.root());
            let ran = ran(&mut command(&bench, &server, &[&address, "b.txt"]));
            assert_eq!(ran.code, 1, "{}", ran.err);
            assert!(ran.err.contains(&format!("cannot read {address}: ")), "{}", ran.err);
            assert!(ran.out.ends_with("\"sources\":[\"places\"]}]}\n"), "the next one is tagged");
            assert!(ran.out.contains("\"id\":\"b.txt\""), "the next one is tagged");
        }
    }
}

#[test]
fn an_object_that_becomes_another_is_an_error() {
    let (bench, server) = (Bench::new(), Server::start());
    let large = large();
    server.put("/crawl/a.jsonl", large.as_str());
    server.fault("/crawl/a.jsonl", &[Fault::None, Fault::Hold]);
    let told = std::thread::scope(|scope| {
        let run = scope.spawn(|| tag(&bench, &server, &["s3://crawl/a.jsonl"]));
        server.held();
        server.put("/crawl/a.jsonl", large.as_str().repeat(2));
        server.fault("/crawl/a.jsonl", &[]);
        server.release();
        run.join().unwrap()
    });
    let expected = format!(
        "cannot read s3://crawl/a.jsonl: it had {} bytes when the run began, and has {}",
        large.len(),
        2 * large.len()
    );
    assert!(told.failed().contains(&expected));
}
