//! The person at the terminal, as the audit log names them.

use std::fs;

use rustix::process::getuid;
use untxt_workflows::redrive::Actor;

/// The operator, with the reason they give.
pub(crate) fn operator(reason: Option<&str>) -> Actor {
    Actor { by: format!("cli:{}", user()), reason: reason.unwrap_or_default().to_owned() }
}

/// `USER`, or the name that belongs to this process's user id, or the id itself.
fn user() -> String {
    let named = std::env::var("USER").ok().filter(|name| !name.is_empty());
    named.unwrap_or_else(|| {
        let id = getuid().as_raw();
        let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
        account(&accounts, id).unwrap_or_else(|| id.to_string())
    })
}

/// The name of the user `id` in a file like `/etc/passwd` (passwd(5)).
fn account(accounts: &str, id: u32) -> Option<String> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_id_has_the_name_of_its_account() {
        let accounts = "root:x:0:0:root:/root:/bin/bash\nbroken\nann:x:1000:1000::/home/ann:/bin/sh\n";
        assert_eq!(account(accounts, 0).as_deref(), Some("root"));
        assert_eq!(account(accounts, 1_000).as_deref(), Some("ann"));
        assert_eq!(account(accounts, 7), None);
    }
}
