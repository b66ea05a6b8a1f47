//! What Redis does in one go. The scripts are put together from parts, so that
//! each defines no more than it uses: that is a good part of what one costs.

use redis::Script;

macro_rules! script {
    ($($file:literal),+) => {
        Script::new(concat!($(include_str!($file)),+))
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
    pub(super) about: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            push: script!("topic.lua", "turns.lua", "enter.lua", "push.lua"),
            pull: script!("topic.lua", "turns.lua", "enter.lua", "land.lua", "pull.lua"),
            acknowledge: script!("topic.lua", "turns.lua", "land.lua", "acknowledge.lua"),
            release: script!("topic.lua", "turns.lua", "enter.lua", "land.lua", "release.lua"),
            renew: script!("topic.lua", "renew.lua"),
            count: script!("topic.lua", "count.lua"),
            configure: script!("topic.lua", "configure.lua"),
            about: script!("topic.lua", "about.lua"),
        }
    }
}
