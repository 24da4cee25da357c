"""The sentences that `generate.py` composes support tickets and product reviews of."""

from __future__ import annotations

from parts import Topic, topic

_NOBODY = "customer"

TICKETS: tuple[Topic, ...] = (
    topic(
        _NOBODY,
        """
        Charged twice in {month}
        Wrong amount on our invoice
        Billing question
        """,
        """
        Our card was charged twice for the {month} subscription.
        The last invoice shows {small} seats, but we have only {n} people and cancelled the rest.
        I cannot match the charge of {amount} euros with any invoice.
        """,
        """
        The payment history lists the same receipt with two numbers.
        Our accountant needs the VAT number on every bill.
        The price on the website is {small} euros, yet we were billed more.
        We changed our plan on {day}, so the bill should be lower.
        """,
        """
        Please send a corrected invoice.
        Can someone from billing have a look?
        """,
    ),
    topic(
        _NOBODY,
        """
        Refund for unused months
        We would like our money back
        Cancellation and refund
        """,
        """
        We cancelled the subscription in {month} and still wait for the refund.
        We bought the yearly plan by mistake and would like a refund.
        The export never did what was promised, so I ask for my money back.
        """,
        """
        {n} of the twelve months were never used.
        Your terms say that the money is returned within fourteen days.
        I have written twice, on {day} and the week before, without an answer.
        The amount is {amount} euros, paid by card.
        """,
        """
        Please reimburse it to the same card.
        Tell us when the refund will arrive.
        """,
    ),
    topic(
        _NOBODY,
        """
        App crashes when exporting
        Error 500 on the reports page
        Import is broken since {version}
        """,
        """
        Since the update to {version} the app crashes whenever I export more than {small} rows.
        The reports page fails with error 500 for everybody in our {city} office.
        The import stopped working on {day}: the progress bar freezes at {small} percent.
        """,
        """
        There is an exception in the browser console about an undefined date.
        It happens in every browser, and on {n} different computers.
        A colleague has the same bug, but only in the morning.
        Going back to the old version makes the error go away.
        """,
        """
        We are blocked, so this is urgent for us.
        I can send the log file if that helps.
        """,
    ),
    topic(
        _NOBODY,
        """
        How do I share a dashboard?
        How to change the time zone
        Question about the API
        """,
        """
        How do I share a dashboard with someone outside of our team?
        I am wondering how to move {n} projects into one folder.
        Where do I find the documentation of the import format?
        """,
        """
        The guide explains it for single users, but not for groups.
        I looked through the tutorial and the settings without success.
        A short explanation or a link to instructions would be enough.
        It should work for about {small} people in {city}.
        """,
        """
        There is no rush.
        Thanks for explaining, and for the quick help last time.
        """,
    ),
    topic(
        _NOBODY,
        """
        Feature request: dark mode
        Suggestion for the calendar
        Please add an export to Excel
        """,
        """
        It would be great if the calendar could show two weeks at once.
        A suggestion: please add a dark mode, our night shift would love it.
        We wish for an integration with our {project} system.
        """,
        """
        At the moment we copy {small} lines by hand every {day}.
        Several of us had the same idea, so it may be worth a vote.
        The other tool that we use has this feature since {month}.
        Even a simple version would save us {n} hours a week.
        """,
        """
        Is it on your roadmap?
        It is only a wish, the product is fine as it is.
        """,
    ),
    topic(
        _NOBODY,
        """
        Locked out of my account
        Password reset mail does not arrive
        Change of the account owner
        """,
        """
        I am locked out of my account after {n} wrong tries with the password.
        The mail with the password reset never arrives, I have looked in every folder.
        Our account belongs to a colleague who left in {month}, and nobody can log in.
        """,
        """
        The two-factor code goes to an old phone number.
        My username is the same as the email address that I write from.
        I can still log in on the phone, but not in the browser.
        {n} of us share this account for the {city} office.
        """,
        """
        Please unlock it today, I have a deadline.
        What do you need from me to prove who I am?
        """,
    ),
)

PRODUCTS = (
    "kettle", "rucksack", "desk lamp", "headset", "rain jacket", "coffee grinder", "office chair", "bicycle light",
    "blender", "sleeping bag", "keyboard", "water bottle", "radio", "frying pan", "suitcase", "tent",
)  # fmt: skip

REMARKS: dict[str, tuple[str, ...]] = {
    "positive": (
        "It is easy to clean and feels sturdy.",
        "The quality is excellent for the price.",
        "It arrived a day early and was packed with care.",
        "After half a year of daily use it still looks like new.",
        "My sister tried mine and bought one the same evening.",
        "The instructions are short and good.",
        "It is comfortable and much better made than the one I had.",
        "Support answered within the hour and was very kind.",
        "The colour is even more beautiful than in the pictures.",
        "It does one thing, and does it perfectly.",
    ),
    "negative": (
        "The handle broke after two weeks.",
        "It smells of cheap plastic, even after washing.",
        "The delivery took a month, and nobody told me why.",
        "The manual is useless and partly in another language.",
        "It stopped working on the third day.",
        "The size is wrong by a hand's breadth.",
        "Support wanted photos, then more photos, then never wrote again.",
        "The finish looks poor, and one corner was chipped from the start.",
        "It is far heavier than described, which is annoying every day.",
        "A part was missing, and it was slow to arrive.",
    ),
}

REVIEWS: dict[str, dict[str, tuple[str, ...]]] = {
    "positive": {
        "openings": (
            "I love this {product}.",
            "A great {product}, just what I was looking for.",
            "Excellent {product}, the best that I have owned.",
            "Very happy with the {product}.",
            "I did not expect much of this {product}, and was delighted.",
        ),
        "verdicts": (
            "I would buy it again and recommend it to everyone.",
            "Five stars, perfect.",
            "Worth every cent.",
            "A wonderful present, too.",
        ),
    },
    "negative": {
        "openings": (
            "I am disappointed by this {product}.",
            "Terrible {product}, stay away.",
            "The {product} arrived broken.",
            "The worst {product} that I have had.",
            "What a waste of money, this {product}.",
        ),
        "verdicts": (
            "I returned it and want a refund.",
            "One star, and that is generous.",
            "Never again.",
            "I hate having to throw it away.",
        ),
    },
    "mixed": {
        "openings": (
            "I have mixed feelings about this {product}.",
            "The {product} is okay, with its pros and cons.",
            "Three months with the {product}, and I am still undecided.",
            "An average {product}, although a nice looking one.",
        ),
        "verdicts": (
            "It does the job, however I expected more.",
            "Good on some days, annoying on others.",
            "Fine for the price, although I would look around first.",
            "Three stars.",
        ),
    },
}
