//! One suite for every journal: what one promises, all keep.

mod harness;
pub(in crate::journal) mod proxy;

mod broken;
mod changes;
mod commands;
mod controls;
mod crowds;
mod dead_letters;
mod follow_ups;
mod inspect;
mod lists;
mod retention;
mod rows;
mod servers;
mod unreadable;

/// A test a case, on a fresh journal of its own.
macro_rules! cases {
    ($tests:ident on $journal:ident: $($module:ident: $($case:ident),+;)+) => {
        mod $tests {
            use super::{harness, $($module),+};
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    $module::$case(harness::$journal().await).await;
                }
            )+)+
        }
    };
}

macro_rules! on_every_journal {
    ($($cases:tt)+) => {
        cases!(memory on memory: $($cases)+);
        cases!(sqlite on sqlite: $($cases)+);
        cases!(postgres on postgres: $($cases)+);
    };
}

macro_rules! on_every_database {
    ($($cases:tt)+) => {
        cases!(sqlite_alone on sqlite: $($cases)+);
        cases!(postgres_alone on postgres: $($cases)+);
    };
}

on_every_journal! {
    commands:
        a_submission_holds_whole_or_not_at_all,
        a_run_goes_from_submission_to_completion,
        a_refused_command_leaves_nothing,
        a_failure_is_retried_then_dead,
        a_lost_worker_records_nothing_and_a_handed_back_claim_costs_nothing,
        a_cancelled_run_has_nothing_due_or_held,
        several_histories_are_read_together_in_parts,
        who_keeps_a_run_holds_its_next_step_in_the_same_commit,
        what_is_remembered_is_never_trusted;
    changes:
        word_comes_of_what_anybody_commits_and_of_nothing_else;
    follow_ups:
        what_begins_with_an_end_is_there_if_and_only_if_that_is;
    lists:
        due_is_what_nobody_holds_most_urgent_first,
        orphans_are_held_by_the_silent_and_the_gone,
        runs_are_listed_newest_first_and_paged,
        dead_letters_are_listed_and_erased_with_their_run,
        the_tail_begins_at_the_end_and_goes_on_from_its_cursor;
    inspect:
        retries_are_what_failed_and_waits_the_latest_due_first,
        a_retry_is_made_now_or_given_up_and_it_is_written_down_by_whom,
        a_workflows_open_work_is_counted_and_its_holders_are_named;
    retention:
        what_ended_long_ago_loses_its_history_and_keeps_its_row,
        a_dead_letter_that_waits_keeps_its_run_until_it_goes_itself,
        much_is_pruned_in_calls_that_stay_short;
    controls:
        what_is_set_is_read_once_it_is_newer,
        no_two_changes_are_one_revision,
        two_operators_at_once_lose_nothing;
    dead_letters:
        a_letter_says_what_died_and_is_found_by_it,
        letters_of_one_cause_are_one_group,
        a_redriven_run_goes_on_where_it_died,
        a_page_that_dies_again_is_a_letter_of_its_own,
        pages_are_named_anew_by_another_input,
        of_many_redrives_at_once_one_counts,
        a_paused_run_waits_with_nothing_due_until_somebody_acts,
        a_discarded_letter_stays_and_says_why,
        what_was_cancelled_leaves_no_letter_waiting,
        what_operators_do_is_written_down_newest_first;
    crowds:
        five_hundred_items_join_exactly_once,
        one_of_many_workers_gets_the_delivery,
        a_crowd_of_letters_is_listed_filtered_and_redriven,
        the_tail_misses_nothing_of_two_journals_that_write_at_once;
}

on_every_database! {
    rows:
        rows_hold_with_their_run_or_not_at_all,
        only_the_guilty_one_of_a_crowd_fails,
        a_projection_writes_in_the_same_transaction,
        a_panicking_projection_spares_the_others,
        a_caller_that_goes_away_undoes_nothing,
        megabytes_come_back_as_they_were;
    unreadable:
        a_run_that_cant_be_read_becomes_a_letter_with_its_row_and_spares_the_others,
        whatever_column_is_spoilt_the_run_is_set_aside,
        a_run_that_can_be_read_again_goes_on_with_all_it_had,
        a_page_that_cant_be_read_dies_alone_and_is_as_new_when_redriven,
        a_run_whose_projection_panics_is_set_aside_too,
        an_event_that_cant_be_read_is_passed_over_by_the_tail,
        one_spoilt_row_hides_no_other_of_any_list;
    servers:
        migrations_go_up_down_and_up_again;
}
