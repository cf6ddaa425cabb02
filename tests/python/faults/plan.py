"""Faults of a request between a client and a server, and plans that choose them."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class RequestHead:
    """The head of a request."""

    number: int
    """Number of requests that the proxy saw before this one."""
    method: str
    target: str
    """Path and query, as sent."""
    headers: Mapping[str, str]
    """Keys are in lower case."""


@dataclass(frozen=True)
class Refuse:
    """The proxy answers with 503 `SlowDown`, 400 `ExpiredToken` …; the server never gets the
    request."""

    status: int = 503


@dataclass(frozen=True)
class Deny:
    """The proxy answers with an error of S3; the server never gets the request."""

    status: int
    code: str
    message: str


@dataclass(frozen=True)
class Ignore:
    """The server gets the request without these headers, whose names are in lower case."""

    headers: frozenset[str]


@dataclass(frozen=True)
class LoseRequest:
    """The proxy resets the connection after this part of the request's body."""

    after: float = 0.5


@dataclass(frozen=True)
class LoseAnswer:
    """The server carries out the request, but the client does not get the whole response.

    At 0 it gets nothing, otherwise the head and this part of the body.
    """

    after: float = 0.0
    reset: bool = True
    """Whether the connection is reset; otherwise it is closed in the normal way."""


@dataclass(frozen=True)
class Delay:
    """The proxy waits for so many seconds before it passes the request on."""

    seconds: float


@dataclass(frozen=True)
class Hold:
    """The proxy passes the request on after `released` is set, even if its client has gone."""

    released: threading.Event


@dataclass(frozen=True)
class Trickle:
    """Both bodies pass in pieces of `piece` bytes, with a pause in seconds before each."""

    piece: int = 4096
    pause: float = 0.001


Fault = Refuse | Deny | Ignore | LoseRequest | LoseAnswer | Delay | Hold | Trickle
Plan = Callable[[RequestHead], Fault | None]


def no_faults(_head: RequestHead) -> None:
    """Passes everything on."""


def slow_shards(head: RequestHead) -> Fault | None:
    """Delays shards, so that a run is still writing when the test goes on."""
    is_shard = head.method == "PUT" and "/images/c/" in head.target
    return Delay(600) if is_shard else None


@dataclass
class FlakyNetwork:
    """Chooses faults at random; a seed gives the same faults in the same order.

    Refusals come in bursts, as throttling does. A burst is short enough for a client
    that tries ten times.
    """

    seed: int
    chance: float = 0.15
    """Probability of a fault for a request outside of a burst."""
    burst: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def __call__(self, head: RequestHead) -> Fault | None:
        if self.burst:
            return self.burst.pop()
        if self.random.random() >= self.chance:
            return None
        part = self.random.random()
        match self.random.choice(["busy", "lost", "unanswered", "cut", "late", "slow"]):
            case "busy":
                refusal = Refuse(self.random.choice([503, 429]))
                self.burst = [refusal] * self.random.randrange(4)
                return refusal
            case "lost":
                return LoseRequest(part)
            case "unanswered":
                return LoseAnswer()
            case "cut":
                return LoseAnswer(part, reset=self.random.random() < 0.5)
            case "late":
                return Delay(part / 10)
            case _:
                return Trickle()
