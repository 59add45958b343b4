"""The answers that are computed from the facts of `truth.json`, by the definitions of docs/metrics.md.

A fact is what is known of one message or click. Nothing here reads the lake or the SQL.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from bluetick_sql.rate_card import Price

Row = list[Any]
Answer = dict[str, Any]

_HOUR = 3_600_000
_STOP_LABELS = {"stop", "stop promotions", "unsubscribe", "opt out", "opt-out"}
CTR = [
    "messages", "delivered", "read", "clicked", "clicks", "recipients", "clickers", "ctr", "click_to_read",
    "unique_ctr", "clicks_per_clicked", "total_click_rate", "unknown_buttons",
]  # fmt: skip
FUNNEL = [
    "sent", "delivered", "read", "clicked", "replied", "failed", "deleted", "delivery_rate", "read_rate",
    "click_rate", "reply_rate", "sent_to_delivered_p50", "sent_to_delivered_p90", "delivered_to_read_p50",
    "delivered_to_read_p90", "read_to_click_p50", "read_to_click_p90", "click_to_reply_p50", "click_to_reply_p90",
]  # fmt: skip
COST = ["billable_messages", "cost", "clicked", "clicks", "cost_per_message", "cost_per_click"]
COMPARISON = [
    "messages", "delivered", "clicked", "ctr", "ctr_low", "ctr_high", "behind_best", "behind_low", "behind_high",
]  # fmt: skip


def rate(part: float, whole: float) -> float | None:
    """`part / whole`; None without a whole."""
    return part / whole if whole else None


def iso(at: int | None) -> str | None:
    """A time as results show it."""
    if at is None:
        return None
    return (datetime.fromtimestamp(at // 1000, UTC) + timedelta(milliseconds=at % 1000)).strftime(
        "%Y-%m-%dT%H:%M:%S."
    ) + f"{at % 1000:03d}Z"


def last(value: Any) -> tuple[bool, Any]:
    """A key that sorts None last and texts by their UTF-8 bytes."""
    return (value is None, value.encode() if isinstance(value, str) else value or 0)


def percentile(spans: list[int], rank: int) -> float | None:
    """The value at a rank from 1, in seconds."""
    return sorted(spans)[rank - 1] / 1000 if spans else None


@dataclass(frozen=True)
class Message:
    """A message as reports count it: its fact, and how long clicks on it count."""

    fact: dict[str, Any]
    hours: int

    def __getattr__(self, name: str) -> Any:
        try:
            return self.fact[name]
        except KeyError:
            raise AttributeError(name) from None

    @cached_property
    def attributed(self) -> list[dict[str, Any]]:
        deadline = self.fact["sent_at"] + self.hours * _HOUR
        return sorted(
            (click for click in self.fact["clicks"] if click["at"] <= deadline), key=lambda click: click["at"]
        )

    @property
    def first_click_at(self) -> int | None:
        return self.attributed[0]["at"] if self.attributed else None

    @property
    def is_read(self) -> bool:
        return bool(self.read_at or self.attributed or self.replied_at)

    @property
    def is_delivered(self) -> bool:
        return bool(self.delivered_at) or self.is_read

    @property
    def is_failed(self) -> bool:
        return bool(self.failed_at) and not self.is_delivered

    @property
    def is_clickable(self) -> bool:
        return self.buttons is None or self.buttons != []

    @property
    def state(self) -> str:
        if self.deleted_at:
            return "deleted"
        if self.is_read:
            return "read"
        if self.is_delivered:
            return "delivered"
        return "failed" if self.is_failed else "sent"


class Facts:
    """What a simulation tells: messages and clicks of the window, by local days."""

    def __init__(self, truth: dict[str, Any]) -> None:
        asked = truth["parameters"]
        self.first, self.last = asked["from"], asked["to"]
        self.zone = ZoneInfo(asked["timezone"])
        self.hours = int(asked["attribution_hours"])
        self.every_message = [Message(fact, self.hours) for fact in truth["facts"]["messages"]]
        self.cohort = [
            message for message in self.every_message if self.first <= self.day(message.sent_at) <= self.last
        ]
        self.clickable = [message for message in self.cohort if message.is_clickable]
        self.clicks = [
            click
            for click in truth["facts"]["clicks"]
            if click["kind"] != "landing_page_view" and self.first <= self.day(click["at"]) <= self.last
        ]
        self.news = truth["news"]
        self.receipts = [tuple(row) for row in truth["receipts"] if self.first <= self.day(row[2]) <= self.last]

    def day(self, at: int) -> str:
        """The local day of an instant."""
        return datetime.fromtimestamp(at / 1000, self.zone).date().isoformat()

    def week(self, at: int) -> str:
        """The Monday of the local ISO week of an instant."""
        day = date.fromisoformat(self.day(at))
        return str(day - timedelta(days=day.weekday()))


def grouped(items: Iterable[Any], key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def count(messages: Iterable[Message], name: str) -> int:
    return sum(bool(getattr(message, name)) for message in messages)


def recipients(messages: Iterable[Message], name: str) -> int:
    return len({message.recipient for message in messages if getattr(message, name)} - {None})


def ctr_of(messages: list[Message]) -> Row:
    """The CTR measures of a group."""
    delivered, read, clicked = (count(messages, name) for name in ("is_delivered", "is_read", "attributed"))
    clicks = sum(len(message.attributed) for message in messages)
    reached, clickers = recipients(messages, "is_delivered"), recipients(messages, "attributed")
    return [
        len(messages), delivered, read, clicked, clicks, reached, clickers,
        rate(clicked, delivered), rate(clicked, read),
        rate(clickers, reached), rate(clicks, clicked), rate(clicks, delivered),
        sum(message.buttons is None for message in messages),
    ]  # fmt: skip


def funnel_of(messages: list[Message]) -> Row:
    """The funnel measures of a group."""
    delivered, read, clicked, replied, failed, deleted = (
        count(messages, name)
        for name in ("is_delivered", "is_read", "attributed", "replied_at", "is_failed", "deleted_at")
    )
    row: Row = [len(messages), delivered, read, clicked, replied, failed, deleted]
    row += [rate(delivered, len(messages)), rate(read, delivered), rate(clicked, delivered), rate(replied, delivered)]
    for before, after in pairwise(["sent_at", "delivered_at", "read_at", "first_click_at", "replied_at"]):
        pairs = [(getattr(message, before), getattr(message, after)) for message in messages]
        spans = [b - a for a, b in pairs if a is not None and b is not None and b >= a]
        row += [percentile(spans, math.ceil(len(spans) / 2)), percentile(spans, math.ceil(9 * len(spans) / 10))]
    return row


def _by(messages: list[Message], names: list[str], measures: Callable[[list[Message]], Row]) -> list[Row]:
    """A row for each combination of attributes, the largest group first."""
    groups = grouped(messages, lambda message: tuple(getattr(message, name) for name in names))
    order = sorted(groups, key=lambda key: (-len(groups[key]), *map(last, key)))
    return [[*key, *measures(groups[key])] for key in order]


def answer(columns: list[str], rows: list[Row], **parameters: str) -> Answer:
    return {"columns": columns, "rows": rows, "parameters": parameters}


# Groups of messages


def splits(facts: Facts) -> dict[str, Answer]:
    """The CTR and funnel queries whose groups only these facts know, and the filters by account and number."""
    number, language = ["account_id", "phone_number_id"], ["template_name", "template_language"]
    found = {
        "ctr_by_number": answer(number + CTR, _by(facts.clickable, number, ctr_of)),
        "funnel_by_number": answer(number + FUNNEL, _by(facts.cohort, number, funnel_of)),
        "ctr_by_language": answer(language + CTR, _by(facts.clickable, language, ctr_of)),
        "funnel_by_language": answer(language + FUNNEL, _by(facts.cohort, language, funnel_of)),
    }
    for name in number:
        value = Counter(getattr(message, name) or "" for message in facts.cohort if getattr(message, name)).most_common(
            1
        )
        if not value:
            continue
        chosen = {name: value[0][0]}
        kept = [message for message in facts.clickable if getattr(message, name) == value[0][0]]
        found[f"ctr_total@{name}"] = answer(CTR, [ctr_of(kept)], **chosen)
        found[f"ctr_by_template@{name}"] = answer(
            ["template_name", *CTR], _by(kept, ["template_name"], ctr_of), **chosen
        )
        clicks = [click for click in facts.clicks if click[name] == value[0][0]]
        found[f"clicks_daily@{name}"] = answer(_DAILY, _daily(facts, clicks), **chosen)
        found[f"clicks_by_button@{name}"] = answer(_BY_BUTTON, _by_button(clicks), **chosen)
    return found


_DAILY = ["click_date", "clicks", "persons", "messages"]
_BY_BUTTON = ["button_id", "button_text", "total_clicks", "unique_users", "messages", "first_click_at", "last_click_at"]


def _distinct(clicks: list[dict[str, Any]], name: str) -> int:
    return len({click[name] for click in clicks} - {None})


def _daily(facts: Facts, clicks: list[dict[str, Any]]) -> list[Row]:
    days = grouped(clicks, lambda click: facts.day(click["at"]))
    return [
        [day, len(days[day]), _distinct(days[day], "person"), _distinct(days[day], "message_id")]
        for day in sorted(days)
    ]


def _by_button(clicks: list[dict[str, Any]]) -> list[Row]:
    groups = grouped(clicks, lambda click: (click["button_id"], click["button_text"]))
    rows = []
    for key in sorted(groups, key=lambda key: (-len(groups[key]), *map(last, key))):
        times = [click["at"] for click in groups[key]]
        people, messages = _distinct(groups[key], "person"), _distinct(groups[key], "message_id")
        rows.append([*key, len(times), people, messages, iso(min(times)), iso(max(times))])
    return rows


def clicks_alone(facts: Facts) -> dict[str, Answer]:
    """Queries that need clicks alone."""
    return {
        "clicks_daily": answer(_DAILY, _daily(facts, facts.clicks)),
        "clicks_by_button": answer(_BY_BUTTON, _by_button(facts.clicks)),
    }


def _labels(messages: list[Message], label: Callable[[dict[str, Any]], Any], kind: str | None) -> list[list[Any]]:
    """By template and label: the delivered messages of the template, and the clicks with their messages."""
    delivered = Counter(message.template_name for message in messages if message.is_delivered)
    pairs = [(message, click) for message in messages for click in message.attributed if kind in (None, click["kind"])]
    groups = grouped(pairs, lambda pair: (pair[0].template_name, label(pair[1])))
    rows = []
    for (template, name), found in groups.items():
        clicked = len({message.id for message, _ in found})
        clickers = len({message.recipient for message, _ in found} - {None})
        urls = len({click["url"] for _, click in found} - {None})
        reached = delivered[template]
        rows.append([template, name, urls, reached, clicked, len(found), clickers, rate(clicked, reached)])
    return sorted(rows, key=lambda row: (-row[4], last(row[0]), last(row[1])))


def labels(facts: Facts) -> dict[str, Answer]:
    """CTR by label and by link, and the rate of opt-outs."""
    by_label = _labels(facts.clickable, lambda click: click["button_text"] or click["button"], None)
    links = _labels(facts.clickable, lambda click: click["button_text"] or click["url"], "link_click")
    columns = ["template_name", "label", "delivered", "clicked", "clicks", "clickers", "ctr"]
    rates = []
    groups = grouped(facts.cohort, lambda message: message.template_name)
    for template in sorted(groups, key=lambda key: (-len(groups[key]), last(key))):
        messages = groups[template]
        stopped = sum(
            any((click["button_text"] or "").strip().lower() in _STOP_LABELS for click in message.attributed)
            for message in messages
        )
        refused = sum(message.is_failed and message.error_code == 131050 for message in messages)
        delivered = count(messages, "is_delivered")
        rates.append([template, len(messages), delivered, refused, stopped, rate(stopped, delivered)])
    return {
        "ctr_by_label": answer(columns, [row[:2] + row[3:] for row in by_label if row[1] is not None]),
        "link_ctr": answer([*columns[:1], "link", "urls", *columns[2:]], links),
        "opt_out_rate": answer(
            ["template_name", "messages", "delivered", "refused", "stop_clicked", "opt_out_rate"], rates
        ),
    }  # fmt: skip


# Comparisons


def wilson(clicked: int, delivered: int) -> tuple[float, float]:
    """Wilson's score interval at 95 %: centre and half width."""
    z, p = 1.96, clicked / delivered
    centre = (p + z**2 / (2 * delivered)) / (1 + z**2 / delivered)
    half = z / (1 + z**2 / delivered) * math.sqrt(p * (1 - p) / delivered + (z / (2 * delivered)) ** 2)
    return centre - half, centre + half


def compared(messages: list[Message], name: str, values: list[str]) -> list[Row]:
    """Wilson's interval of each group, and Newcombe's of its distance from the best (Newcombe 1998, method 10)."""
    counts = []
    for value in values:
        group = [message for message in messages if getattr(message, name) == value]
        if group:
            counts.append((value, len(group), count(group, "is_delivered"), count(group, "attributed")))
    counts.sort(key=lambda row: (row[2] == 0, -(rate(row[3], row[2]) or 0), row[0].encode()))
    rows: list[Row] = []
    for value, sent, delivered, clicked in counts:
        if not delivered:
            rows.append([value, sent, delivered, clicked, *[None] * 6])
            continue
        p, (low, high) = clicked / delivered, wilson(clicked, delivered)
        best, (best_low, best_high) = counts[0][3] / counts[0][2], wilson(counts[0][3], counts[0][2])
        behind = best - p
        below, above = math.hypot(best - best_low, high - p), math.hypot(best_high - best, p - low)
        rows.append([value, sent, delivered, clicked, p, low, high, behind, behind - below, behind + above])
    return rows


def comparisons(facts: Facts) -> dict[str, Answer]:
    """Templates and campaigns side by side: the three with the most messages, and one that does not exist."""
    found = {}
    for name, parameter in (("template_name", "templates"), ("campaign_id", "campaigns")):
        sizes = Counter(getattr(message, name) for message in facts.clickable if getattr(message, name))
        values = [value for value, _ in sizes.most_common(3)] + ["unheard of"]
        rows = compared(facts.clickable, name, values)
        found[f"compare_{parameter}@largest"] = answer([name, *COMPARISON], rows, **{parameter: ",".join(values)})
    return found


# Money


def price_of(message: Message, day: str, card: list[Price]) -> Price | None:
    """The price of a message: that of the longest code with which its number begins; of several, the latest."""
    if message.phone is None:
        return None
    for length in range(len(message.phone), -1, -1):
        found = [
            price
            for price in card
            if price.calling_code == message.phone[:length]
            and price.pricing_category == message.pricing_category
            and str(price.valid_from) <= day
        ]
        if found:
            return max(found, key=lambda price: price.valid_from)
    return None


def costs(facts: Facts, card: list[Price]) -> dict[str, Answer]:
    """What messages cost by the rate card; without a price, the currency and the cost are None."""
    billed = [message for message in facts.cohort if message.billable and message.is_delivered]
    priced = [(message, price_of(message, facts.day(message.sent_at), card)) for message in billed]

    def rows(key: Callable[[Message, Price | None], tuple[Any, ...]], campaign: bool = False) -> list[Row]:
        groups = grouped(priced, lambda pair: (*key(*pair), pair[1].currency if pair[1] else None))
        found = []
        for names in sorted(groups, key=lambda names: (-len(groups[names]), *map(last, names))):
            group = groups[names]
            total = sum((price.price for _, price in group if price), Decimal(0))
            cost = float(total) if names[-1] else None
            clicks = sum(len(message.attributed) for message, _ in group)
            clicked = sum(bool(message.attributed) for message, _ in group)
            named = {message.campaign_name for message, _ in group} - {None}
            head = [names[0], min(named, default=None), names[1]] if campaign else list(names)
            per_click = None if cost is None else rate(cost, clicks)
            per_message = None if cost is None else cost / len(group)
            found.append([*head, len(group), cost, clicked, clicks, per_message, per_click])
        return found

    return {
        "cost_by_template": answer(
            ["template_name", "currency", *COST], rows(lambda message, _: (message.template_name,))
        ),
        "cost_by_campaign": answer(
            ["campaign_id", "campaign_name", "currency", *COST], rows(lambda message, _: (message.campaign_id,), True)
        ),
        "cost_by_country": answer(
            ["country", "pricing_category", "currency", *COST],
            rows(lambda message, price: (price.country if price else None, message.pricing_category)),
        ),
    }


# People and weeks


def people(facts: Facts) -> dict[str, Answer]:
    """Fatigue, one person's journey, and the lists to act on."""
    weeks = grouped(
        [message for message in facts.cohort if message.recipient],
        lambda message: (message.recipient, facts.week(message.sent_at)),
    )
    fatigue = []
    sizes = grouped(weeks.values(), lambda messages: min(len(messages), 5))
    for size in sorted(sizes):
        messages = [message for found in sizes[size] for message in found]
        delivered, clicked = count(messages, "is_delivered"), count(messages, "attributed")
        fatigue.append(
            [size, len(sizes[size]), delivered, count(messages, "is_read"), clicked, rate(clicked, delivered)]
        )
    resend = [
        [message.id, message.recipient, message.template_name, message.ticket_id, iso(message.sent_at),
         iso(message.failed_at), message.error_code, message.error_title or message.error_message]
        for message in sorted(facts.cohort, key=lambda message: (message.sent_at, message.id))
        if message.is_failed and message.error_code in (470, 131047)
    ]  # fmt: skip
    suppress = []
    for person, messages in grouped(facts.cohort, lambda message: message.recipient).items():
        codes = Counter(message.error_code for message in messages if message.is_failed)
        opted_out, undeliverable = codes[131050], codes[1013] + codes[131026] + codes[131062]
        if person and (opted_out or (undeliverable and not count(messages, "is_delivered"))):
            failed = max(message.failed_at for message in messages if message.failed_at)
            reason = "opted_out" if opted_out else "undeliverable"
            suppress.append([reason, person, opted_out + undeliverable, iso(failed)])
    found = {
        "fatigue": answer(["messages_a_week", "person_weeks", "delivered", "read", "clicked", "ctr"], fatigue),
        "messages_to_resend": answer(
            "message_id recipient template_name ticket_id sent_at failed_at error_code error".split(),  # noqa: SIM905
            resend,
        ),
        "numbers_to_suppress": answer(
            ["reason", "recipient", "failures", "last_failed_at"],
            sorted(suppress, key=lambda row: (row[0], last(row[1]))),
        ),
    }
    columns = ["happened_at", "step", "message_id", "template_name", "campaign_id", "state"]
    sizes_of_people = Counter(message.recipient for message in facts.cohort if message.recipient)
    for person, _ in sizes_of_people.most_common(3):
        found[f"journey@{person}"] = answer(columns, _journey(facts.cohort, person), recipient_id=person)
    return found


def _journey(messages: list[Message], person: str) -> list[Row]:
    steps = {
        "sent": "sent_at", "delivered": "delivered_at", "read": "read_at", "failed": "failed_at",
        "clicked": "first_click_at", "replied": "replied_at", "deleted": "deleted_at",
    }  # fmt: skip
    found = [
        (getattr(message, time), message.id, step, message)
        for message in messages
        if message.recipient == person
        for step, time in steps.items()
        if getattr(message, time) is not None
    ]
    return [
        [iso(at), step, message.id, message.template_name, message.campaign_id, message.state]
        for at, _, step, message in sorted(found, key=lambda found: found[:3])
    ]


def time_and_weeks(facts: Facts) -> dict[str, Answer]:
    """The time to the first click, and the weeks."""
    delivered = count(facts.clickable, "is_delivered")
    curve = []
    for hours in (1, 6, 24, 72, 168):
        clicked = sum(
            message.first_click_at is not None and message.first_click_at - message.sent_at <= hours * _HOUR
            for message in facts.clickable
        )
        curve.append([hours, delivered, clicked, rate(clicked, delivered)])
    rows: list[Row] = []
    before: Row | None = None
    for week, messages in sorted(grouped(facts.cohort, lambda message: facts.week(message.sent_at)).items()):
        reached, clicked = count(messages, "is_delivered"), count(messages, "attributed")
        now = [len(messages), rate(reached, len(messages)), rate(clicked, reached)]
        changes = [
            None if before is None or a is None or before[place] is None else a - before[place]
            for place, a in enumerate(now)
        ]
        rows.append([week, now[0], reached, clicked, now[1], now[2], *changes])
        before = now
    columns = "week sent delivered clicked delivery_rate click_rate sent_change delivery_rate_change click_rate_change"
    return {
        "time_to_click": answer(["hours", "delivered", "clicked", "share"], curve),
        "week_over_week": answer(columns.split(), rows),
    }


def meta_analytics(facts: Facts) -> dict[str, Answer]:
    """Meta's dashboard: UTC days, clicks of seven days, only what was reported."""
    messages = [Message(message.fact, 168) for message in facts.every_message if message.template_name]
    groups = grouped(messages, lambda message: (iso(message.sent_at)[:10], message.template_name))
    rows = []
    for day, template in sorted(groups, key=lambda key: (key[0], key[1].encode())):
        if not facts.first <= day <= facts.last:
            continue
        group = groups[day, template]
        left = [message for message in group if message.failed_at != message.sent_at or message.is_delivered]
        delivered = sum(bool(message.delivered_at or message.read_at) for message in group)
        clicks = sum(len(message.attributed) for message in group)
        rows.append([day, template, len(left), delivered, count(group, "read_at"), clicks, rate(clicks, delivered)])
    columns = ["sent_date", "template_name", "sent", "delivered", "read", "clicked", "click_rate"]
    return {"meta_template_analytics": answer(columns, rows)}


def tickets(facts: Facts) -> dict[str, Answer]:
    """One row per message with a ticket, and one per ticket. All simulated messages were sent long ago."""
    with_ticket = [message for message in facts.cohort if message.ticket_id]
    rows = []
    for message in sorted(with_ticket, key=lambda message: (message.ticket_id, message.sent_at, message.id)):
        click = message.attributed[0] if message.attributed else {}
        at = message.first_click_at
        rows.append([
            message.ticket_id, message.id, click.get("person") or message.recipient, None, None, message.template_name,
            message.state, iso(message.sent_at), iso(message.delivered_at), iso(message.read_at), iso(at),
            click.get("button"), click.get("button_text"), _seconds(message.sent_at, at),
            "responded" if click else "expired",
        ])  # fmt: skip
    columns = (
        "ticket_id message_id contact lift floor template_name state sent_at delivered_at read_at responded_at button "
        "button_text response_seconds status"
    )
    return {"tickets": answer(columns.split(), rows), "response_times": _response_times(facts, with_ticket)}


def _seconds(before: int, after: int | None) -> float | None:
    return None if after is None or after < before else (after - before) / 1000


def _response_times(facts: Facts, with_ticket: list[Message]) -> Answer:
    in_window = {message.id for message in facts.cohort}
    outside = Counter(
        message.ticket_id for message in facts.every_message if message.ticket_id and message.id not in in_window
    )
    rows = []
    for ticket, messages in sorted(grouped(with_ticket, lambda message: message.ticket_id).items()):
        sent = min(message.sent_at for message in messages)
        first = min(
            (click for message in messages for click in message.attributed), key=lambda click: click["at"], default={}
        )
        at = first.get("at")
        rows.append([
            ticket, len(messages), count(messages, "is_delivered"), count(messages, "attributed"), iso(sent), iso(at),
            first.get("button"), _seconds(sent, at), outside[ticket],
        ])  # fmt: skip
    columns = "ticket_id messages delivered clicked first_sent_at first_click_at first_button response_seconds"
    return answer([*columns.split(), "messages_left_out"], rows)


def news(facts: Facts) -> dict[str, Answer]:
    """What the webhooks say about templates, from their bodies."""
    rows = [
        [
            iso(found["at"]),
            found["provider"],
            found["account_id"],
            None,
            found["type"],
            json.dumps(found["payload"], sort_keys=True),
        ]
        for found in facts.news
        if facts.first <= facts.day(found["at"]) <= facts.last
    ]
    columns = ["happened_at", "provider", "account_id", "phone_number_id", "type", "payload"]
    return {"template_and_number_events": answer(columns, sorted(rows, key=repr))}


def freshness(facts: Facts) -> dict[str, Answer]:
    """When each statement was first received, from the lines that the webhooks became."""
    rows = []
    for (table, provider), found in sorted(grouped(facts.receipts, lambda receipt: receipt[:2]).items()):
        lags = [received - happened for *_, happened, received in found]
        late = sum(lag > 24 * _HOUR for lag in lags)
        rows.append([
            table, provider, len(found), iso(max(row[2] for row in found)), iso(max(row[3] for row in found)), late,
            rate(late, len(found)),
            percentile(lags, math.ceil(len(lags) / 2)), percentile(lags, math.ceil(9 * len(lags) / 10)),
        ])  # fmt: skip
    columns = "table_name provider row_count last_event_at last_received_at late_rows late_share lag_p50 lag_p90"
    return {"freshness": answer(columns.split(), rows)}


def answers(truth: dict[str, Any], card: list[Price]) -> dict[str, Answer]:
    """Every answer that these facts give, by name of the query and case."""
    facts = Facts(truth)
    parts = [
        splits,
        clicks_alone,
        labels,
        comparisons,
        people,
        time_and_weeks,
        meta_analytics,
        tickets,
        news,
        freshness,
    ]
    found: dict[str, Answer] = costs(facts, card)
    for part in parts:
        found |= part(facts)
    return found
