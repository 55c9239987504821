"""What a reasoning model writes before it answers: between `<think>` and `</think>`."""

BEGIN, END = "<think>", "</think>"


def without_thinking(text: str) -> str:
    """
    What a text says once its thinking has ended: what follows the last `</think>`, also where a template opened it.

    A text whose thinking never ended says nothing; one without any is given back as it is. Takes time linear in its length.
    """
    _, ended, said = text.rpartition(END)
    if ended:
        return said.lstrip()
    return "" if text.lstrip().startswith(BEGIN) else text
