"""Lets a real Rasa test a project's test stories and writes what it wrote; run by the Python that has Rasa.

    CHENGDA_RASA_ENV/bin/python tests/rasa_story_capture.py PROJECT OUTPUT.json [TESTS]

Imports nothing of this package (Rasa needs Python 3.10). The same is done as `rasa test core` does, with `--e2e` and
without; every reading of a text by Rasa's understanding is kept, so that the stories can be played with it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import rasa.model_training
from rasa.core.agent import Agent
from rasa.core.test import test

STORIES = "tests/test_stories.yml"
FILES = ("story_report.json", "failed_test_stories.yml", "successful_test_stories.yml", "stories_with_warnings.yml")
DROPPED = ("text_tokens", "message_id", "metadata")


def remember(agent: Agent, parsed: dict[str, dict]) -> None:
    """Keep what the understanding says of every text."""
    parse = agent.processor.parse_message

    async def parse_message(message, *args, **kwargs):
        data = await parse(message, *args, **kwargs)
        # Before Rasa's test changes the entities' values to strings.
        kept = {key: value for key, value in data.items() if key not in DROPPED}
        kept["intent_ranking"] = kept.get("intent_ranking", [])[:3]
        parsed[message.text] = json.loads(json.dumps(kept))
        return data

    agent.processor.parse_message = parse_message


async def tested(agent: Agent, stories: str, e2e: bool) -> dict:
    """What Rasa's test gives and writes."""
    with tempfile.TemporaryDirectory() as folder:
        given = await test(
            stories,
            agent,
            out_directory=folder,
            e2e=e2e,
            disable_plotting=True,
            successes=True,
            warnings=True,
        )
        # Files are named by where the project lies, which is not of interest.
        here = f"{Path.cwd()}/"
        written = {name: (Path(folder) / name).read_text(encoding="utf-8").replace(here, "") for name in FILES}
    written["story_report.json"] = json.loads(written["story_report.json"])
    names = ("precision", "f1", "accuracy", "in_training_data_fraction")
    return {"written": written, "figures": {name: given[name] for name in names}, "actions": given["actions"]}


async def main(project: Path, output: Path, stories: str = STORIES) -> None:
    """Train, test both ways, write."""
    os.chdir(project)
    domain = "domain.yml" if Path("domain.yml").exists() else "domain"
    parsed: dict[str, dict] = {}
    with tempfile.TemporaryDirectory() as folder:
        trained = rasa.model_training.train(domain, "config.yml", ["data"], output=folder)
        agent = Agent.load(trained.model)
        remember(agent, parsed)
        told = {"e2e": await tested(agent, stories, True), "plain": await tested(agent, stories, False)}
    told["parsed"] = parsed
    output.write_text(
        json.dumps(told, ensure_ascii=False, sort_keys=True, indent=1, default=float) + "\n", encoding="utf-8"
    )
    print(output, len(parsed), "texts", len(told["e2e"]["actions"]), "actions")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), *sys.argv[3:4]))
