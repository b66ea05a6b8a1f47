//! What Redis does in one go. Each script begins with what they share.

use redis::Script;

macro_rules! script {
    ($file:literal) => {
        Script::new(concat!(include_str!("shared.lua"), include_str!($file)))
    };
}

#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) push: Script,
    pub(super) pull: Script,
    pub(super) acknowledge: Script,
    pub(super) release: Script,
    pub(super) renew: Script,
    pub(super) count: Script,
    pub(super) configure: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            push: script!("push.lua"),
            pull: script!("pull.lua"),
            acknowledge: script!("acknowledge.lua"),
            release: script!("release.lua"),
            renew: script!("renew.lua"),
            count: script!("count.lua"),
            configure: script!("configure.lua"),
        }
    }
}
