//! Mail addresses as people write them; quoted local parts and address literals of RFC 5321 are
//! refused.

use super::Check;

pub(super) const CHECK: Check = Check {
    name: "email",
    doc: "A mail address: a dot-atom of at most 64 bytes, an @, and a domain of two or more valid labels.",
    valid,
    passes: &["ann@example.org", "a.b+c@mail.example.co.uk", "o'neil@exämple.de"],
    fails: &["a..b@example.org", ".a@example.org", "a@example", "a@-x.org", "a@b@c.org", "a@x.1"],
};

fn valid(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    local.len() <= 64 && local.split('.').all(is_atom) && is_domain(domain)
}

fn is_atom(atom: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    !atom.is_empty() && atom.chars().all(allowed)
}

fn is_domain(domain: &str) -> bool {
    let mut labels = domain.rsplit('.');
    let top = labels.next().unwrap_or("");
    domain.len() <= 253
        && domain.contains('.')
        && is_label(top)
        && top.chars().count() > 1
        && !top.chars().all(|c| c.is_ascii_digit())
        && labels.all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}
