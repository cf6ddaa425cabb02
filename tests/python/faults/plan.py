"""What can go wrong with a request between a client and a server, and plans of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """The head of a request."""

    number: int
    """How many requests the proxy saw before."""
    method: str
    target: str
    """Path and query, as sent."""
    headers: Mapping[str, str]
    """By name in lower case."""


@dataclass(frozen=True)
class Refuse:
    """The server never sees the request: it is answered with 503 `SlowDown`, 429 …"""

    status: int = 503


@dataclass(frozen=True)
class LoseRequest:
    """The connection is reset when this part of the request's body has passed."""

    after: float = 0.5


@dataclass(frozen=True)
class LoseAnswer:
    """The server does what it was asked, but the answer is cut off.

    At 0 not even its head arrives; otherwise the head and this part of the body do.
    """

    after: float = 0.0
    reset: bool = True
    """By a reset; otherwise the connection is closed as if all had been sent."""


@dataclass(frozen=True)
class Delay:
    """The request waits so many seconds before it goes on."""

    seconds: float


@dataclass(frozen=True)
class Trickle:
    """Both bodies pass in pieces of so many bytes, with a pause of so many seconds before each."""

    piece: int = 4096
    pause: float = 0.001


Fault = Refuse | LoseRequest | LoseAnswer | Delay | Trickle
Plan = Callable[[Asked], Fault | None]


def no_faults(_asked: Asked) -> None:
    """Everything passes."""


@dataclass
class FlakyNetwork:
    """Faults at random, the same ones in the same order for a seed.

    Refusals come in bursts, as throttling does, and no longer than a client with ten
    tries survives. A request that would hardly be noticed, as a slow one, is more
    frequent than one that is lost.
    """

    seed: int
    chance: float = 0.15
    """Of a request to meet with a fault, bursts not counted."""
    burst: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def __call__(self, asked: Asked) -> Fault | None:
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
