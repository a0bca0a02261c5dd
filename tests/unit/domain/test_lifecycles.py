"""The life-cycle tables, walked by Hypothesis: no walk leaves the table, and what is final stays final."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jupyter_slml.domain.lifecycles.attempts import ATTEMPTS, AttemptEvent
from jupyter_slml.domain.lifecycles.endpoints import ENDPOINTS, EndpointEvent
from jupyter_slml.domain.lifecycles.jobs import JOBS, JobEvent
from jupyter_slml.domain.lifecycles.replicas import REPLICAS, ReplicaEvent
from jupyter_slml.domain.states import AttemptState, EndpointState, JobState, ReplicaState
from jupyter_slml.errors import IllegalMove

TABLES = [
    (JOBS, JobState, JobEvent),
    (ATTEMPTS, AttemptState, AttemptEvent),
    (ENDPOINTS, EndpointState, EndpointEvent),
    (REPLICAS, ReplicaState, ReplicaEvent),
]


@pytest.mark.parametrize(("table", "states", "events"), TABLES, ids=lambda item: getattr(item, "noun", ""))
def test_final_states_have_no_way_out(table: Any, states: Any, events: Any) -> None:
    """Nothing can happen to what is over."""
    for state in states:
        for event in events:
            if state.is_final:
                assert not table.allows(state, event)


@pytest.mark.parametrize(("table", "states", "events"), TABLES, ids=lambda item: getattr(item, "noun", ""))
def test_every_state_is_reachable_and_can_end(table: Any, states: Any, events: Any) -> None:
    """No state is dead: each can be reached from the start, and from each an end can be reached."""
    reach = {table.initial}
    while grown := {m.state for (s, _), m in table.edges.items() if s in reach} - reach:
        reach |= grown
    assert reach == set(states)
    ending = {state for state in states if state.is_final}
    while grown := {s for (s, _), m in table.edges.items() if m.state in ending} - ending:
        ending |= grown
    assert ending == set(states)


def test_an_illegal_move_tells_the_story() -> None:
    """The error names the object, its state, the event and its past."""
    with pytest.raises(IllegalMove, match="Job j1 is succeeded: 'started' cannot happen") as caught:
        JOBS.apply(JobState.SUCCEEDED, JobEvent.STARTED, subject="j1", story=["job.queued@1"])
    assert caught.value.detail["story"] == ["job.queued@1"]


class JobWithAttempts(RuleBasedStateMachine):
    """A job and its attempts as the reconciler moves them, under any order of events that the world can produce."""

    def __init__(self) -> None:
        super().__init__()
        self.job = JOBS.initial
        self.attempts: list[AttemptState] = []
        self.stopping = False
        self.committed = 0

    @property
    def live(self) -> bool:
        return bool(self.attempts) and not self.attempts[-1].is_final

    @precondition(lambda self: self.job is JobState.QUEUED and not self.stopping)
    @rule()
    def place(self) -> None:
        self.job = JOBS.apply(self.job, JobEvent.PLACED).state
        self.attempts.append(ATTEMPTS.initial)

    @precondition(lambda self: self.live and self.attempts[-1] is AttemptState.SUBMITTED)
    @rule()
    def start(self) -> None:
        self.attempts[-1] = ATTEMPTS.apply(self.attempts[-1], AttemptEvent.STARTED).state
        self.job = JOBS.apply(self.job, JobEvent.STARTED).state

    @precondition(lambda self: not self.job.is_final)
    @rule()
    def ask_to_stop(self) -> None:
        self.stopping = True
        if JOBS.allows(self.job, JobEvent.STOP_REQUESTED):
            self.job = JOBS.apply(self.job, JobEvent.STOP_REQUESTED).state

    @precondition(lambda self: self.live)
    @rule(event=st.sampled_from([e for e in AttemptEvent if e is not AttemptEvent.STARTED]), retry=st.booleans())
    def end(self, event: AttemptEvent, retry: bool) -> None:
        self.attempts[-1] = ATTEMPTS.apply(self.attempts[-1], event).state
        retry = retry and not self.stopping and event in (AttemptEvent.FAILED, AttemptEvent.LOST)
        verdict = JobEvent.RETRIED if retry else JobEvent(event.value)
        self.job = JOBS.apply(self.job, verdict).state
        self.committed += event is AttemptEvent.SUCCEEDED

    @precondition(lambda self: self.job.is_final)
    @rule(event=st.sampled_from(list(JobEvent)))
    def late(self, event: JobEvent) -> None:
        assert not JOBS.allows(self.job, event)

    @invariant()
    def at_most_one_attempt_lives(self) -> None:
        assert sum(not attempt.is_final for attempt in self.attempts) <= 1

    @invariant()
    def a_job_lives_as_long_as_its_attempt(self) -> None:
        if self.live:
            assert self.job in (JobState.STARTING, JobState.RUNNING, JobState.STOPPING)
        else:
            assert self.job.is_final or self.job is JobState.QUEUED

    @invariant()
    def one_commit_at_most(self) -> None:
        assert self.committed <= 1
        assert (self.job is JobState.SUCCEEDED) == (self.committed == 1)


TestJobWithAttempts = JobWithAttempts.TestCase
TestJobWithAttempts.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
