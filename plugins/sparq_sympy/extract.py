"""The final answer of a solution, in linear time."""

import re

import sparq_core as sparq

TAIL = 4_000
"""Characters at the end of a text that are searched."""
_STATED = re.compile(r"\banswer(?:[ \t]+is)?[ \t]*[:=]?[ \t]+([^\n]{1,200})", re.IGNORECASE)
_SENTENCE_END = re.compile(r"\.(?:\s|$)")


def final_answer(text: str) -> str | None:
    r"""The last balanced `\boxed{}`, else the last `#### x`, else what follows the last "answer is"; None without any."""
    tail = text[-TAIL:]
    if marked := sparq.marked_answer(tail):
        return marked
    if stated := _STATED.findall(tail):
        return _SENTENCE_END.split(stated[-1])[0].strip(" *:$") or None
    return None
