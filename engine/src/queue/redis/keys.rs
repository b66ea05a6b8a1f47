//! The names of a topic's keys.

use apalis_redis::Config;

/// What the scripts are given; see `topic.lua` for the rest.
#[derive(Debug)]
pub(super) struct Keys {
    /// The topic's name in braces, so that all of its keys have one hash slot:
    /// every name begins with it.
    pub(super) topic: String,
    data: String,
    scheduled: String,
    in_flight: String,
    /// The channel on which a push is told.
    pub(super) channel: String,
}

impl Keys {
    pub(super) fn of(topic: &str) -> Self {
        let topic = format!("{{untxt:{topic}}}");
        let names = Config::default().queue(&topic);
        Self {
            data: names.job_data_hash(),
            scheduled: names.scheduled_jobs_set(),
            in_flight: names.inflight_jobs_set(),
            channel: names.signal_list(),
            topic,
        }
    }

    /// In the order in which the scripts take them.
    pub(super) fn all(&self) -> [&str; 5] {
        [&self.topic, &self.data, &self.scheduled, &self.in_flight, &self.channel]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_bears_the_topics_tag() {
        let keys = Keys::of("ocr");
        assert_eq!(keys.all()[1..4], ["{untxt:ocr}:data", "{untxt:ocr}:scheduled", "{untxt:ocr}:inflight"]);
        assert!(keys.all().iter().all(|key| key.starts_with("{untxt:ocr}")));
    }
}
