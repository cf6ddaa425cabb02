"""The pages of README and docs/: their code blocks, headings and links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^\s*```(\w*)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block of code, and where it stands."""

    page: str
    heading: str
    language: str
    code: str
    line: int

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Page:
    """One Markdown file, named by its path below the root of the repository."""

    name: str
    blocks: tuple[Block, ...]
    headings: tuple[str, ...]
    links: tuple[str, ...]


def page_names() -> list[str]:
    """README, the other pages beside it, and all of docs/."""
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    return sorted(str(path.relative_to(ROOT)) for path in paths)


def read_page(name: str) -> Page:
    blocks, headings, links = [], [], []
    language, code, begin = None, [], 0
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        fence = FENCE.match(line)
        if fence and language is None:
            language, code, begin = fence[1], [], number + 1
        elif fence:
            heading = headings[-1] if headings else ""
            blocks.append(Block(name, heading, language, "".join(code), begin))
            language = None
        elif language is not None:
            code.append(line)
        else:
            if re.match(r"#+ ", line):
                headings.append(line.lstrip("#").strip())
            links += LINK.findall(line)
    assert language is None, f"{name}: a block that begins in line {begin} does not end"
    return Page(name, tuple(blocks), tuple(headings), tuple(links))


def blocks_below(name: str, heading: str, language: str) -> list[Block]:
    """The blocks of one language below a heading; there must be some."""
    found = [
        block
        for block in read_page(name).blocks
        if (block.heading, block.language) == (heading, language)
    ]
    assert found, f"{name}: no {language} below {heading}"
    return found


def anchor(heading: str) -> str:
    """The anchor that GitHub gives to a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
