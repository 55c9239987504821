r"""The final answer a solution states: in LaTeX's `\boxed{…}`, after `####`, as GSM8K has it, or as a block of code."""

import re

_OPEN = "\\boxed{"
_FENCE = "```"
_HASHES = re.compile(r"####[ \t]*([^\n]+)")


def marked_answer(text: str) -> str | None:
    r"""The content of the last balanced `\boxed{…}`, else what follows the last `####`; None without either or if empty."""
    boxed = last_boxed(text)
    if boxed is not None:
        return boxed or None
    hashes = _HASHES.findall(text)
    return hashes[-1].strip() or None if hashes else None


def last_boxed(text: str) -> str | None:
    r"""The content of the last balanced `\boxed{…}`, stripped, or None; linear in the length of the text."""
    end = len(text)
    while (start := text.rfind(_OPEN, 0, end)) >= 0:
        content = _balanced(text, start + len(_OPEN), end)
        if content is not None:
            return content.strip()
        end = start
    return None


def last_code_block(text: str) -> str | None:
    """What the last closed block of code holds, between lines of three backticks; None without one."""
    head, closed, _ = text.rpartition(_FENCE)
    _, opened, block = head.rpartition(_FENCE)
    return block.partition("\n")[2] if closed and opened else None


def _balanced(text: str, start: int, end: int) -> str | None:
    depth = 1
    for i in range(start, end):
        if text[i] == "{" and text[i - 1] != "\\":
            depth += 1
        elif text[i] == "}" and text[i - 1] != "\\":
            depth -= 1
            if not depth:
                return text[start:i]
    return None
