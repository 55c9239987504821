"""The client library alone, which every side uses: what no framework around it can be faster than."""

import asyncio

import openai
from rows import MODEL, Counted, K, Task, is_right, prompt, report


def work(task: Task) -> Counted:
    verdicts = asyncio.run(ask_all(task))
    return len(verdicts), sum(verdicts)


async def ask_all(task: Task) -> list[bool]:
    client = openai.AsyncOpenAI(api_key="none", base_url=task.base_url, max_retries=0)
    room = asyncio.Semaphore(task.concurrency)

    async def ask(problem: int) -> list[bool]:
        async with room:
            reply = await client.chat.completions.create(
                model=MODEL, messages=[{"role": "user", "content": prompt(problem)}], n=task.n
            )
        return [is_right(choice.message.content or "", problem) for choice in reply.choices]

    asked = [ask(problem) for problem in range(task.problems) for _ in range(K // task.n)]
    return [verdict for verdicts in await asyncio.gather(*asked) for verdict in verdicts]


if __name__ == "__main__":
    report(work)
