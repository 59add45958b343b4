"""What each figure of the report means, in one or two sentences. The full definitions are in docs/metrics.md."""

from __future__ import annotations

# By key: the label and the text.
DEFINITIONS: dict[str, tuple[str, str]] = {
    "sent": (
        "Sent",
        (
            "Messages of the business that were sent on a local day of the period: the cohort. All rates are "
            "of this cohort."
        ),
    ),
    "delivered": (
        "Delivered",
        (
            "Messages of the cohort that were delivered, read, played, clicked or answered. A read message "
            "counts as delivered even if the delivery receipt is missing."
        ),
    ),
    "read": (
        "Read",
        (
            "Messages of the cohort that were read, played, clicked or answered. A person can switch read "
            "receipts off, so this is a lower bound."
        ),
    ),
    "clicked": (
        "Clicked",
        (
            "Messages of the cohort with at least one click on a button, list row, flow or link inside the "
            "attribution window. Ten clicks on one message are one message clicked."
        ),
    ),
    "replied": (
        "Replied",
        (
            "Messages of the cohort that the person answered with a message that quotes them, inside the "
            "attribution window."
        ),
    ),
    "failed": (
        "Failed",
        "Messages of the cohort with a failure and without any sign of delivery.",
    ),
    "ctr": (
        "CTR",
        (
            "Messages clicked divided by messages delivered, of clickable messages: those that have buttons, "
            "or whose buttons are unknown. Clicks count for the day on which their message was sent."
        ),
    ),
    "clickable": (
        "Clickable messages",
        "Messages of the cohort that have at least one button, or whose buttons are not known.",
    ),
    "interval": (
        "95 % interval",
        (
            "The Wilson interval of the rate. With few messages it is wide: two rates whose intervals overlap "
            "widely are not known to differ."
        ),
    ),
    "unique_ctr": (
        "Unique CTR",
        ("Persons who clicked divided by persons reached. A person who received three messages counts once."),
    ),
    "click_to_read": (
        "Click-to-read",
        "Messages clicked divided by messages read.",
    ),
    "clicks": (
        "Clicks",
        "All clicks on the messages of the cohort inside the attribution window.",
    ),
    "rates": (
        "Funnel rates",
        "Delivered / sent, read / delivered, clicked / delivered, replied / delivered.",
    ),
    "durations": (
        "Time between steps",
        (
            "Median and 90th percentile of the time from one step to the next, over the messages for which "
            "both times were reported."
        ),
    ),
    "failures": (
        "Failures",
        "Failed messages by the code that the provider gave. The class says what to do about it.",
    ),
    "response_times": (
        "Response time",
        "Seconds from the first message about a ticket to the first click on any of its messages.",
    ),
    "opt_outs": (
        "Opt-outs",
        "Requests to stop and to resume marketing messages, by the day on which they were made.",
    ),
    "numbers": (
        "Business numbers",
        "What the provider last said about the quality of each business phone number.",
    ),
    "heatmap": (
        "Hour and weekday",
        "CTR by the local hour and weekday at which the message was sent.",
    ),
    "late": (
        "Late and unattributed receipts",
        (
            "late: the receipt happened more than 168 hours after its message was sent, so no report counts it. "
            "unknown_message: no provider says that the message was sent. Freshness counts rows received more than 24 "
            "hours after they happened."
        ),
    ),
    "opt_out_rate": (
        "Opt-out rate",
        (
            "Messages on which a stop button was clicked, divided by messages delivered. Refused: messages that failed "
            "because the person had stopped marketing messages (131050)."
        ),
    ),
    "rejected": (
        "Rejected lines",
        "Lines that could not be placed in the lake. They are kept under rejected/ with the reason.",
    ),
    "unattributed": (
        "Unattributed clicks",
        "Clicks that belong to no message known to have been sent inside the attribution window.",
    ),
    "freshness": (
        "Freshness",
        "The time of the newest event and of the newest webhook of each table and provider.",
    ),
}
