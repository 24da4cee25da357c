"""Writes the sample data that is generated: `emails.csv`, `emails.labels.csv`, `tickets.jsonl`, `reviews.txt`.

    python sample_data/generate.py [FOLDER]

The same bytes come out each time, so that runs on the sample data can be compared.
"""

from __future__ import annotations

import csv
import json
import random
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from parts import NEWSLETTER, PERSONAL, SLOTS, SPAM, WORK, Topic
from support_parts import PRODUCTS, REMARKS, REVIEWS, TICKETS

SEED = 20260122
EMAILS = {"work": (WORK, 38), "newsletter": (NEWSLETTER, 22), "personal": (PERSONAL, 13), "spam": (SPAM, 27)}
FEWEST_WORDS, MOST_WORDS = 46, 72


def main(folder: Path) -> None:
    """Write all files into `folder`."""
    emails = list(make_emails(random.Random(SEED)))
    columns = ("id", "from", "subject", "content")
    write_csv(folder / "emails.csv", columns, ([email[name] for name in columns] for email in emails))
    labels = ([email["id"], email["label"]] for email in emails)
    write_csv(folder / "emails.labels.csv", ("id", "label"), labels)
    tickets = (json.dumps(ticket, ensure_ascii=False) for ticket in make_tickets(random.Random(SEED + 1), 60))
    write_lines(folder / "tickets.jsonl", tickets)
    write_lines(folder / "reviews.txt", make_reviews(random.Random(SEED + 2), 80))


def make_emails(rng: random.Random) -> Iterable[dict[str, str]]:
    """Emails of every label in their numbers, shuffled; no two have the same content."""
    emails: list[dict[str, str]] = []
    for label, (topics, count) in EMAILS.items():
        seen: set[str] = set()
        while len(seen) < count:
            email = compose(rng, topics[len(seen) % len(topics)])
            if email["content"] not in seen:
                seen.add(email["content"])
                emails.append({**email, "label": label})
    rng.shuffle(emails)
    return ({"id": f"email-{number:03}", **email} for number, email in enumerate(emails, 1))


def compose(rng: random.Random, topic: Topic) -> dict[str, str]:
    """One email of a topic: an opening, as many details as fit, a closing."""
    slots = {name: rng.choice(values) for name, values in SLOTS.items()}
    slots.update({f"{name}_": slots[name].lower() for name in ("person", "other")})
    opening, closing = rng.choice(topic.openings), rng.choice(topic.closings)
    chosen: list[str] = []
    for detail in rng.sample(topic.details, len(topic.details)):
        text = " ".join([opening, *chosen, closing]).format(**slots)
        if len(text.split()) >= FEWEST_WORDS:
            break
        chosen.append(detail)
    content = " ".join([opening, *chosen, closing]).format(**slots)
    assert FEWEST_WORDS <= len(content.split()) <= MOST_WORDS, content
    sender, subject = rng.choice(topic.senders), rng.choice(topic.subjects)
    return {"from": sender.format(**slots), "subject": subject.format(**slots), "content": content}


def make_tickets(rng: random.Random, count: int) -> Iterable[dict[str, Any]]:
    """Support tickets, of every kind in turn, shuffled."""
    tickets: list[dict[str, Any]] = []
    for number in range(count):
        kind = TICKETS[number % len(TICKETS)]
        slots = {name: rng.choice(values) for name, values in SLOTS.items()}
        details = rng.sample(kind.details, 2)
        body = " ".join([rng.choice(kind.openings), *details, rng.choice(kind.closings)])
        tickets.append(
            {
                "customer": slots["client"],
                "subject": rng.choice(kind.subjects).format(**slots),
                "body": body.format(**slots),
                "plan": rng.choice(("free", "team", "team", "business", "enterprise")),
            }
        )
    rng.shuffle(tickets)
    return ({"id": 4100 + number, **ticket} for number, ticket in enumerate(tickets, 1))


def make_reviews(rng: random.Random, count: int) -> Iterable[str]:
    """Reviews, one a line: what it is, two remarks of one mood (or of two), and a verdict."""
    reviews: dict[str, None] = {}
    while len(reviews) < count:
        mood = rng.choice(("positive", "positive", "positive", "negative", "negative", "mixed"))
        product = rng.choice(PRODUCTS)
        opening, verdict = (rng.choice(REVIEWS[mood][part]) for part in ("openings", "verdicts"))
        if mood == "mixed":
            remarks = [rng.choice(REMARKS["positive"]), "But " + rng.choice(REMARKS["negative"]).lower()]
        else:
            remarks = rng.sample(REMARKS[mood], 2)
        reviews[" ".join([opening, *remarks, verdict]).format(product=product)] = None
    return reviews


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A CSV file that ends its lines with LF."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """A text file of these lines."""
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
