//! Every promise, and the run over them.

use std::pin::Pin;

use crate::{
    Capabilities,
    conformance::{
        Excluded, Harness, Report, delivery, lifecycle, log, names, once, ordering, recovery,
    },
};

/// A function of the suite.
struct Promise {
    name: &'static str,
    needs: Needs,
    prove: for<'h> fn(&'h dyn Harness) -> Proof<'h>,
}

type Proof<'h> = Pin<Box<dyn Future<Output = ()> + Send + 'h>>;

/// What a backend must have, or lack, for a promise to concern it.
#[derive(Clone, Copy)]
enum Needs {
    Nothing,
    Log,
    NoLog,
    ExactCount,
    Server,
    DurableLog,
}

macro_rules! promises {
    ($($room:ident: $($name:ident $needs:ident),+;)+) => {
        &[$($(Promise {
            name: stringify!($name),
            needs: Needs::$needs,
            prove: |harness| Box::pin($room::$name(harness)),
        }),+),+]
    };
}

const PROMISES: &[Promise] = promises! {
    delivery:
        every_subscribed_node_gets_a_message_once_the_publisher_included Nothing,
        a_node_that_does_not_listen_gets_nothing Nothing,
        a_publisher_need_not_listen Nothing,
        a_full_inbox_delays_and_loses_nothing Nothing,
        each_item_of_a_batch_is_answered_in_its_place Nothing,
        an_empty_batch_has_an_empty_answer Nothing,
        payloads_arrive_whole Nothing,
        a_payload_over_the_limit_is_refused_and_goes_nowhere Nothing;
    ordering:
        one_publishers_messages_arrive_in_order Nothing,
        a_batch_over_many_topics_keeps_the_order_of_each Nothing,
        publishers_at_once_each_keep_their_order_at_every_node Nothing;
    lifecycle:
        nothing_published_before_subscribe_arrives Nothing,
        everything_published_after_subscribe_arrives Nothing,
        nothing_published_after_unsubscribe_arrives Nothing,
        subscribing_twice_is_subscribing_once Nothing,
        unsubscribing_what_was_not_subscribed_is_no_error Nothing,
        counting_tells_some_from_none_and_is_not_noticed Nothing,
        the_count_is_of_nodes_and_exact ExactCount,
        a_connected_broker_is_healthy Nothing,
        closing_leaves_nothing_behind Nothing,
        closing_ends_the_inbox_behind_what_it_holds Nothing,
        a_closed_broker_says_so Nothing;
    names:
        names_never_collide_and_are_never_patterns Nothing,
        each_name_is_counted_by_itself Nothing,
        each_name_has_a_log_of_its_own Log,
        the_longest_name_works Nothing;
    log:
        the_log_equals_what_was_delivered Log,
        only_what_asked_for_it_is_kept Log,
        the_log_is_there_for_every_node_and_needs_no_listener Log,
        reading_goes_on_after_a_position Log,
        the_newest_position_is_known_without_reading Log,
        a_position_that_was_never_issued_is_unknown Log,
        the_log_is_bounded_in_count Log,
        the_log_is_bounded_in_bytes Log,
        the_log_and_its_keys_are_bounded_in_age Log,
        a_backend_without_a_log_says_so NoLog;
    once:
        what_is_repeated_is_taken_once Log,
        what_another_node_repeats_is_taken_once Log,
        a_batch_takes_a_key_once Log,
        nodes_that_publish_one_key_at_once_make_one_entry Log,
        topics_have_keys_of_their_own Log,
        a_key_outlives_its_entry Log,
        what_was_refused_leaves_its_key Log,
        without_a_log_a_key_means_nothing Nothing;
    recovery:
        a_restart_brings_every_subscription_back_behind_a_gap Server,
        a_restart_does_not_bring_back_what_was_unsubscribed Server,
        while_the_broker_is_away_publishing_fails_fast_and_retryable Server,
        closing_ends_even_while_the_broker_is_away Server,
        the_log_is_still_there_after_a_restart DurableLog,
        keys_are_still_known_after_a_restart DurableLog;
};

/// Proves every promise the backend makes, one after the other, and reports what was proven and
/// what its capabilities rule out.
///
/// # Panics
/// When a promise is broken, when something awaited does not come within 30 seconds, or when the
/// backend has a server that the harness has no power over.
pub async fn run_all(harness: &dyn Harness) -> Report {
    let mut report = Report {
        kept: Vec::new(),
        excluded: Vec::new(),
    };
    let node = harness.node().await;
    let capabilities = node.broker().capabilities();
    node.broker().close().await;
    for Promise { name, needs, prove } in PROMISES {
        if let Some(because) = needs.lacking(capabilities) {
            let promise = name;
            report.excluded.push(Excluded { promise, because });
        } else {
            let proving = Proving(name);
            prove(harness).await;
            drop(proving);
            report.kept.push(name);
        }
    }
    report
}

/// Names the promise when its proof panics.
struct Proving(&'static str);

impl Drop for Proving {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("broken promise: {}", self.0);
        }
    }
}

impl Needs {
    /// The capability that rules a promise with this need out.
    fn lacking(self, has: Capabilities) -> Option<&'static str> {
        let (met, because) = match self {
            Self::Nothing => (true, ""),
            Self::Log => (has.log, "log: false"),
            Self::NoLog => (!has.log, "log: true"),
            Self::ExactCount => (has.exact_subscriber_count, "exact_subscriber_count: false"),
            Self::Server => (has.separate_server, "separate_server: false"),
            Self::DurableLog => (
                has.log && has.log_survives_restart,
                "log_survives_restart: false",
            ),
        };
        (!met).then_some(because)
    }
}

#[cfg(test)]
mod tests {
    use super::PROMISES;

    #[test]
    fn every_function_of_the_suite_is_run() {
        let rooms = [
            include_str!("delivery.rs"),
            include_str!("ordering.rs"),
            include_str!("lifecycle.rs"),
            include_str!("names.rs"),
            include_str!("log.rs"),
            include_str!("once.rs"),
            include_str!("recovery.rs"),
        ];
        let written: Vec<_> = rooms
            .iter()
            .flat_map(|room| room.lines())
            .filter_map(|line| line.strip_prefix("pub async fn "))
            .filter_map(|line| line.split_once('('))
            .map(|(name, _)| name)
            .collect();
        let run: Vec<_> = PROMISES.iter().map(|promise| promise.name).collect();
        assert_eq!(run, written);
    }
}
