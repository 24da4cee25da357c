"""The sentences that `generate.py` composes sample emails of. Every name, firm and address is invented.

A topic has senders, subjects, openings, details and closings; `{slots}` are filled alike within one email.
"""

from __future__ import annotations

from dataclasses import dataclass

SLOTS: dict[str, tuple[str, ...]] = {
    "person": ("Priya", "Tomasz", "Maren", "Diego", "Aisha", "Lukas", "Hannah", "Kenji", "Olu", "Freya", "Noor"),
    "other": ("Ingrid", "Samuel", "Wei", "Carla", "Jonas", "Beatriz", "Mehmet", "Ruth", "Anders", "Leila"),
    "client": ("Northwind Foods", "Halden Rail", "Brightwater", "Castor Labs", "Meridian Homes", "Tessera"),
    "project": ("Atlas", "Harbour", "Kestrel", "Larch", "Monsoon", "Pinecone", "Redwood", "Sextant"),
    "day": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"),
    "month": ("January", "March", "April", "June", "September", "October", "November"),
    "hour": ("9:30", "10:00", "11:15", "14:00", "15:30", "16:45"),
    "amount": ("1,240", "3,875", "12,400", "860", "27,950", "6,310", "48,200"),
    "small": ("19", "24", "35", "49", "65", "80"),
    "n": ("3", "4", "5", "6", "7", "8", "11", "12"),
    "big": ("250,000", "900,000", "1.5 million", "4.2 million", "750,000"),
    "city": ("Lisbon", "Gothenburg", "Leeds", "Porto", "Utrecht", "Graz", "Bilbao", "Aarhus"),
    "dish": ("lasagne", "fish soup", "roast chicken", "mushroom risotto", "lentil curry", "apple cake"),
    "version": ("2.4", "3.1", "4.0", "5.2", "6.7"),
}  # fmt: skip


@dataclass(frozen=True)
class Topic:
    """Parts that go together."""

    senders: tuple[str, ...]
    subjects: tuple[str, ...]
    openings: tuple[str, ...]
    details: tuple[str, ...]
    closings: tuple[str, ...]


def topic(senders: str, subjects: str, openings: str, details: str, closings: str) -> Topic:
    """A topic from texts that hold a part a line."""
    return Topic(*(tuple(part.strip() for part in text.strip().splitlines())
                   for text in (senders, subjects, openings, details, closings)))  # fmt: skip


_OFFICE = """
    {person_}@orlund.example
    {person_}.k@orlund.example
    {other_}@castor-labs.example
    {other_}.m@meridian.example
    office@orlund.example
"""

WORK = (
    topic(
        _OFFICE,
        """
        Agenda for {day}
        Meeting moved to {hour} on {day}
        Notes from the {project} meeting
        Can we meet about {project}?
        """,
        """
        Hi all, the weekly meeting about {project} moves to {day} at {hour}, because the large room is taken.
        Hello team, here is the agenda for our {project} meeting on {day}.
        Thanks to everyone who joined the meeting this morning; the minutes are in the shared folder.
        """,
        """
        {person} will walk us through the budget, and I would like ten minutes for open questions.
        Please add your points to the agenda before noon so that we can keep to one hour.
        {other} from {client} will dial in for the second half to talk about the schedule.
        We still have to decide who presents the roadmap to the stakeholders.
        The action items from last time are mostly done; only the vendor contract is open.
        If you cannot come, send someone from your group who can speak for the estimates.
        I have attached the slides, which are a draft, so please do not pass them on yet.
        """,
        """
        See you there, {person}
        Let me know if the time does not suit you. Regards, {person}
        Best, {other}
        """,
    ),
    topic(
        _OFFICE,
        """
        {project}: deadline on {day}
        Reminder: {client} deliverables
        Where are we with {project}?
        {project} milestone {n}
        """,
        """
        Just a reminder that the deadline for the {client} deliverables is {day} at {hour}.
        Hi {person}, I am putting together the status of {project} and need your numbers.
        The client has asked whether we can bring the {project} milestone forward by a week.
        """,
        """
        From where I stand we need {n} more working days for testing and for the documentation.
        {other} is waiting for the data model before the import can be finished.
        Could you check whether the staging environment is ready for the release?
        I would rather cut the reporting screens than ship them half done.
        The project plan shows a gap of {n} days between review and delivery, which nobody can explain.
        Please update your tickets today so that the sprint board tells the truth again.
        If we slip, I want to tell {client} this week and not on the last evening.
        """,
        """
        Thanks for pushing this along, {other}
        Please answer by tomorrow noon. {person}
        Call me if anything is unclear. {person}
        """,
    ),
    topic(
        """
        accounts@orlund.example
        ledger@brightwater.example
        {person_}@halden-rail.example
        purchasing@oakline.example
        """,
        """
        Invoice {n}07-{small} for {client}
        Question about invoice {small}-{n}4
        Purchase order for {project}
        Open items {month}
        """,
        """
        Please find attached our invoice over {amount} euros for the work on {project} in {month}.
        Dear {person}, while closing the books for {month} we came across an open invoice for {client}.
        Hello {other}, the purchase order for {project} has been approved by the finance office.
        """,
        """
        The amount is {amount} euros, of which {n} days fall under the old contract.
        Payment is due within thirty days, as agreed in the framework contract.
        The cost centre on page two seems wrong; it should be the one of the {city} office.
        Could you send me the signed delivery note so that I can match the two documents?
        The client asks for one line for each consultant rather than a total.
        Travel to {city} is listed apart, with the receipts in the annex.
        If we do not hear from you by {day}, we take the figures as accepted.
        """,
        """
        Kind regards, {person}, accounting
        With best regards, {other}
        Thank you for your help. {person}, purchasing
        """,
    ),
    topic(
        _OFFICE,
        """
        Quarterly report, draft {n}
        Figures for the quarterly review
        {month} report: please check
        Presentation for the board
        """,
        """
        The draft of the quarterly report is ready, and I would be glad of a second pair of eyes.
        Hi {person}, the board wants the {month} figures two days earlier than planned.
        I have gone through the report on {client} and left my comments in the margin.
        """,
        """
        Revenue in the {city} office is {n} percent over budget, mostly because of {client}.
        The chart on page {n} mixes net and gross figures, which the auditors will notice.
        Please have a look at the paragraph on staffing, since it quotes your team.
        We should explain why {project} was moved into the next quarter.
        I left out the forecast, because sales has not signed it off yet.
        The presentation has {small} slides now; half of them can go into the appendix.
        {other} will collect the corrections and send the final version to the manager on {day}.
        """,
        """
        Many thanks in advance, {other}
        I am in the office until {hour} if you want to talk it through. {person}
        Regards, {person}
        """,
    ),
    topic(
        """
        people@orlund.example
        {other_}@orlund.example
        recruiting@tessera.example
        {person_}@northwind.example
        """,
        """
        Interview on {day} at {hour}
        Onboarding plan for {other}
        Your holiday request and the {project} schedule
        Desk moves in {month}
        """,
        """
        Our new colleague {other} starts on {day}, and I would like you to look after the onboarding.
        Hi {person}, can you join the interview for the data engineer position on {day} at {hour}?
        As you know, the team moves to the fourth floor of the {city} office in {month}.
        """,
        """
        The first week is for accounts, laptop and the introduction to {project}.
        I have put the timetable into the calendar; please correct it where it clashes with your project work.
        {other} has worked on scheduling for {client} and asked good questions about our process.
        Please write your review right after the talk, while the impression is fresh.
        We need one more person from the office who can explain the deployment steps.
        The manager would like a short report after the first {n} weeks.
        Boxes are at the reception; label them with your name and the new desk number.
        """,
        """
        Thanks for making time, {person}
        Let me know if you have questions. {other}, people team
        See you at the standup, {person}
        """,
    ),
    topic(
        """
        oncall@orlund.example
        {person_}@orlund.example
        platform@castor-labs.example
        {other_}@orlund.example
        """,
        """
        Release {version} on {day}
        Post-mortem: import of {day}
        {project} {version} is on staging
        Review needed: {project} migration
        """,
        """
        We plan to deploy version {version} of {project} on {day} at {hour}, outside the hours of {client}.
        Hi team, here is what we know about the failed import of last {day}.
        Version {version} is on staging, and I need two people to review the migration.
        """,
        """
        The job stopped after {n} hours because a lock was held by the nightly report.
        No data of {client} was lost, but {small} orders had to be entered by hand.
        {other} has prepared the rollback, which takes about {n} minutes.
        Until then please do not merge anything into the release branch.
        The load test in {city} showed that the new schedule is about a third faster.
        As an action item, we add an alert before the queue is full rather than after.
        The project page has the full timeline and the list of open tasks.
        """,
        """
        Questions at the standup, please. {person}
        I will send a status update when it is done. {other}
        Thanks to everyone who stayed late, {person}
        """,
    ),
    topic(
        """
        {person_}@brightwater.example
        {other_}@tessera.example
        {person_}.sales@orlund.example
        contracts@halden-rail.example
        """,
        """
        Proposal for {client}
        Contract, version {n}
        Your visit to {city}
        Scope of {project}
        """,
        """
        Dear {person}, thank you for the talk on {day}; as promised I send you our revised proposal.
        Our legal department has gone through the contract for {project} and has two remarks.
        Hello {other}, we look forward to your visit to the {city} office on {day}.
        """,
        """
        The scope now covers {n} sites, and the support hours follow the calendar of {client}.
        We have reduced the budget by {amount} euros by moving the training into the second phase.
        The liability clause on page {n} goes further than what our insurers accept.
        Could you name the stakeholders who have to agree, so that I can plan the presentation?
        A detailed schedule with milestones is in the annex.
        Our project manager {other} will be your contact from {month} on.
        Please sign both copies and return one to our office.
        """,
        """
        With kind regards, {other}
        I look forward to your comments. {person}
        Yours sincerely, {other}
        """,
    ),
)

SPAM = (
    topic(
        """
        claims@lucky-draw-intl.example
        award.office@euro-lotto.example
        notice@prize-desk.example
        """,
        """
        CONGRATULATIONS, you are our winner
        Your lottery ticket has won
        Final notice: claim your prize
        Winner no. {small}{n}
        """,
        """
        Congratulations! Your email address has won {big} dollars in our international lottery.
        Dear lucky winner, you have been chosen for the grand prize of {big} euros.
        This is the final notice about the prize that waits for you in our {city} office.
        """,
        """
        No ticket was needed, because addresses were drawn by computer from all over the world.
        To claim the money, send your full name, your bank details and a copy of your passport.
        A handling fee of only {small} dollars is paid before the transfer, guaranteed.
        Keep this message secret until the claim is settled, to avoid double payment.
        Unclaimed cash goes back to the jackpot after {n} days.
        Our agent {person} is ready to release the funds within hours.
        Past winners bought houses and cars, and so can you.
        """,
        """
        Claim now, do not wait! Agent {other}
        Hurry, the offer ends on {day}!
        Congratulations once again from the prize committee.
        """,
    ),
    topic(
        """
        offers@cheap-pills-direct.example
        dr.{other_}@slim-miracle.example
        pharmacy@no-recipe-meds.example
        """,
        """
        Pills at 80% off, no prescription
        The miracle that doctors hide
        Lose {n} kilos in {n} days
        Your pharmacy order is waiting
        """,
        """
        Our online pharmacy ships genuine pills to your door, and no prescription is asked for.
        Doctors hate this miracle capsule, which melts fat while you sleep.
        Buy two packs of our bestselling pills today and the third one is free.
        """,
        """
        Guaranteed weight loss of {n} kilos in the first weeks, or your cash back.
        More than {big} happy customers cannot be wrong.
        The parcel is plain, so that nobody will know what you ordered.
        Click here to order for only {small} dollars while the stock lasts.
        It is natural, without any risk, and tested by a professor from {city}.
        This limited time bonus is for the readers of this message alone.
        Pay by gift card and save another {n} percent.
        """,
        """
        Act now and feel young again!
        Order before {day}, the stock is small!
        Click here, your body will thank you.
        """,
    ),
    topic(
        """
        signals@coin-rocket.example
        {person_}@crypto-vault.example
        vip@bitcoin-profit.example
        """,
        """
        Turn {small}0 dollars into {amount} with crypto
        Secret bitcoin strategy leaked
        Guaranteed crypto profit, every day
        Your wallet has a bonus waiting
        """,
        """
        Our crypto robot makes a profit on {n} of {n} trades, whatever the market does.
        A former banker from {city} has leaked the bitcoin method of the millionaires.
        You have been invited to a closed investment circle that doubles every bitcoin you send.
        """,
        """
        Start with {small}0 dollars and watch it grow to {amount} by {day}, guaranteed.
        There is no risk, since the bonus covers your first investment.
        {person} from {city} quit work after {n} weeks and now lives from crypto alone.
        Only {n} places are left in the free trial group.
        Send the coins to the wallet below and claim double within the hour.
        Banks do not want you to know how simple this profit is.
        No experience is needed; the software does everything.
        """,
        """
        Act now, tomorrow the price is higher!
        Claim your bonus here before {day}.
        Become the next millionaire, click here.
        """,
    ),
    topic(
        """
        security@account-verify.example
        helpdesk@paysafe-check.example
        alert@bank-login-update.example
        """,
        """
        URGENT: your account is suspended
        Verify your password within 24 hours
        Unusual activity, verify now
        Last warning before we close your account
        """,
        """
        Your account has been suspended because we could not verify your bank details.
        Urgent security notice: someone in {city} tried to use your password.
        Dear customer, our system shows that your payment profile has not been verified.
        """,
        """
        Click here and enter your password and card number to verify that you are the owner.
        If you do not act within {n} hours, the account and all money in it will be lost.
        For your safety do not call the bank, since the phone lines are being watched.
        A fee of {small} dollars is claimed from accounts that stay suspended.
        The form takes only {n} minutes and works on every phone.
        Have your card and the code on its back at hand.
        This message was sent to you automatically, so do not answer it.
        """,
        """
        Verify now to avoid closure. The security desk
        Urgent action is required! Customer protection
        Thank you for your quick cooperation.
        """,
    ),
    topic(
        """
        barrister.{other_}@estate-trust.example
        mrs.{person_}@private-funds.example
        director@remittance-unit.example
        """,
        """
        Inheritance of {big} dollars
        Urgent wire transfer, strictly private
        I need your honest help
        Unclaimed estate in {city}
        """,
        """
        I am the lawyer of a late prince who left an inheritance of {big} dollars without an heir.
        I write in urgent need of a trusted partner for a wire transfer out of {city}.
        My late husband left {big} dollars in a security company, and I wish to give it to you.
        """,
        """
        You will keep {small} percent of the money, and the risk is zero.
        Please send your bank details so that the wire can leave on {day}.
        A small sum of {amount} dollars for the stamp must be paid by you first.
        This must stay between us, because the officials would seize the funds.
        I found your address after long prayer and know that you are honest.
        The box is sealed, and only the beneficiary may claim it.
        Answer with your phone number and the name of your bank, urgent.
        """,
        """
        Yours in trust, barrister {other}
        Waiting for your urgent reply, Mrs {person}
        God bless you, {other}
        """,
    ),
    topic(
        """
        vip@golden-palm-casino.example
        loans@fast-cash-now.example
        rewards@gift-card-club.example
        """,
        """
        {amount} dollars bonus at our casino
        Loan approved, cash today
        Your free gift card is here
        {small} free spins, today only
        """,
        """
        Welcome to the best casino on the net: your bonus of {amount} dollars is already booked.
        Your loan over {amount} dollars is approved, without questions and without papers.
        You have won a gift card worth {small}0 dollars in our customer survey.
        """,
        """
        Spin {n} times for free and hit the jackpot of {big} dollars tonight.
        Click here and the cash is on your card within {n} minutes.
        Bad credit is no obstacle, since approval is guaranteed.
        Answer {n} simple questions to claim the card before it goes to someone else.
        Last week {person} from {city} took home {amount} dollars.
        This limited time offer cannot be repeated.
        Only a verification fee of {small} dollars stands between you and the money.
        """,
        """
        Play now and win big!
        Claim it today, tomorrow it is gone!
        Click here, it is free.
        """,
    ),
)

NEWSLETTER = (
    topic(
        """
        digest@quiet-code.example
        editor@byteweekly.example
        """,
        """
        Quiet Code weekly, issue {small}
        The weekly digest: {n} articles on testing
        This week in tooling
        """,
        """
        Welcome to issue {small} of the weekly digest, curated by {person}.
        In this edition of our newsletter we collect the articles that readers liked best.
        Hello subscribers, this week is about small tools that do one thing.
        """,
        """
        In this issue {other} explains how a parser is tested with a million random inputs.
        Read more about the release of version {version}, which drops the old plug-in format.
        Our top stories: databases in a single file, slow queries, and why clocks lie.
        The long read comes from {city} and follows one bug through {n} layers.
        Among the headlines: a new standard for time zones, and the end of a well-known forum.
        {n} short links for the coffee break close this edition.
        The most read article of {month} was once more the one on naming things.
        """,
        """
        You get this because you are a subscriber. Unsubscribe with one click.
        View in browser, or unsubscribe at the end of the page. The editor
        Until next week, {person}, editor
        """,
    ),
    topic(
        """
        news@green-balcony.example
        letters@slow-kitchen.example
        """,
        """
        The {month} edition is here
        Green Balcony newsletter: what to sow in {month}
        Slow Kitchen digest, {n} recipes for {month}
        """,
        """
        The {month} edition of our newsletter has arrived, with {n} recipes for short evenings.
        Dear subscribers, in this monthly edition we look at what can be sown in {month}.
        Our readers asked for more articles about bread, so this issue is about flour.
        """,
        """
        Read more about {dish} the way it is made in {city}.
        The editor has tried {n} kinds of peat-free soil and tells which one is worth its price.
        Our calendar shows at a glance what to plant, water and harvest.
        In the series on old varieties, {person} writes about the apple of the coast.
        The most loved article of the last edition was about storing herbs, so here is part two.
        Subscribers can download the seasonal poster on our site.
        Trends of the year: clay pots, wild corners, and fewer gadgets.
        """,
        """
        Unsubscribe here if you no longer want our newsletter.
        The next edition comes in a month. The editors
        Share it with other subscribers, or unsubscribe below.
        """,
    ),
    topic(
        """
        updates@city-cycling.example
        bulletin@museum-quarter.example
        """,
        """
        Events in {city}: the monthly roundup
        Roundup: {n} exhibitions in {month}
        Cycling bulletin, edition {small}
        """,
        """
        This is the monthly roundup of what is on in {city}, curated by our editors.
        The {month} newsletter of the museum quarter brings {n} new exhibitions.
        Here are the headlines for everyone who rides a bicycle in {city}.
        """,
        """
        Highlights of the month are the night of the open archives and the paper fair on {day}.
        Read more about the new lanes along the river, which open in {month}.
        In this issue a portrait of {person}, who repairs clocks that nobody else will touch.
        Subscribers of the digest get tickets two days before everyone else.
        The map in this edition shows {small} quiet streets for the way to school.
        Our top stories also cover the vote on the tram line.
        The list of talks is long, so we picked the {n} that readers asked about.
        """,
        """
        To unsubscribe, follow the link. View in browser for the pictures.
        The editors of the roundup
        This newsletter goes to {amount} subscribers. Unsubscribe at any time.
        """,
    ),
    topic(
        """
        briefing@market-morning.example
        research@energy-notes.example
        """,
        """
        Morning headlines, {day}
        Energy Notes digest: week {small}
        Five charts, edition {small}
        """,
        """
        Good morning, here are the headlines for {day}, in five minutes of reading.
        The weekly digest on energy sums up {n} studies, so that you need not read them.
        In this edition of our newsletter: five charts that explain the {month} numbers.
        """,
        """
        Storage is the topic of the week, with trends from {n} countries.
        Read more on how {city} heats a whole district with a data centre.
        The chart that subscribers shared most shows the price of copper since {month}.
        Our editor {other} has read the long paper on grids, and found the one table that matters.
        Below are three articles that take the opposite view.
        In this issue we also correct a mistake in the last edition, found by a reader.
        The curated list of talks and podcasts is at the end.
        """,
        """
        Unsubscribe or change how often the digest comes.
        Thanks to all subscribers for their letters. The editors
        View in browser. Unsubscribe.
        """,
    ),
    topic(
        """
        hello@paper-trails.example
        letter@trailhead.example
        """,
        """
        Paper Trails, edition {small}
        Book digest: {n} novels for {month}
        The reading newsletter of {month}
        """,
        """
        Edition {small} of Paper Trails, the monthly newsletter on books, is about islands.
        Welcome to the {month} digest, with {n} novels and one very thin book of poems.
        This week our subscribers chose the theme, and they chose trains.
        """,
        """
        Read more in the interview with {person}, who translates from four languages.
        The curated shelf holds {n} titles, each with one sentence on why it is there.
        In this issue {other} defends long footnotes.
        The highlights of the readers' poll will be in the next edition.
        Among the articles is a walk through the bookshops of {city}.
        A chapter of the book of the month is free to read for subscribers.
        The trends column says that letters are back.
        """,
        """
        Unsubscribe at the foot of this page. The editor
        Write to the editor, or unsubscribe here.
        The next edition follows in {month}.
        """,
    ),
)

PERSONAL = (
    topic(
        """
        {person_}.h@mailbox.example
        {other_}@homepost.example
        """,
        """
        Dinner on {day}?
        Weekend plans
        Come over for {dish}
        """,
        """
        Hi {other}, would you and the kids like to come to dinner at the weekend?
        Hey, it has been too long since we had a proper evening, so come over for {dish}.
        Hi love, grandma is staying with us and would like to see the whole family.
        """,
        """
        I would make {dish}, and mom brings her famous salad.
        The kids could play in the garden while we catch up on the last months.
        Dad has found the photos of our holiday in {city}, and they are as bad as we remember.
        Bring nothing but yourselves, and maybe the board game with the ships.
        My brother comes too, if the train is on time for once.
        We could go on a short hike on Sunday if the weather holds.
        You can have the sofa, the cat has agreed to move.
        """,
        """
        Hugs, {person}
        Miss you, {person}
        Love to all of you, {person}
        """,
    ),
    topic(
        """
        {person_}.b@mailbox.example
        {other_}.w@homepost.example
        """,
        """
        Mom's birthday
        A present for {other}
        Party on {day}, keep it secret
        """,
        """
        Mom turns sixty in {month}, and my sister and I want to surprise her with a birthday party.
        Hi {person}, have you any idea what {other} would like for a birthday present?
        Thank you so much for the birthday card, it made the kids laugh all through breakfast.
        """,
        """
        We thought of a picnic by the lake with the whole family, all cousins included.
        Could your friend with the guitar come and play two or three songs?
        Grandma bakes the {dish}, so we only need drinks and chairs.
        I can fetch uncle {other} from the station in {city}.
        Please send me old photos for the album, the sillier the better.
        The kids have been practising a song since the holiday.
        Do not tell dad, he cannot keep anything to himself.
        """,
        """
        Love, {person}
        A big hug from all of us, {person}
        Ring me at the weekend. {person}
        """,
    ),
    topic(
        """
        {person_}@mailbox.example
        {other_}.t@homepost.example
        """,
        """
        Greetings from {city}
        Photos of our holiday
        We are back
        """,
        """
        Hi {other}, greetings from {city}, where we have had sun for {n} days.
        We are back from our holiday in {city}, brown, tired and with sand in every shoe.
        I have put the photos of the wedding in {city} into an album for the family.
        """,
        """
        The kids learnt to swim, and my sister learnt that she is afraid of crabs.
        We ate {dish} by the harbour and thought of the summer with you.
        Aunt {person} sends her love and asks when you come to visit.
        The hike to the lighthouse took {n} hours, because we got lost twice.
        There is one of you and grandma that you must see, I laughed until I cried.
        Next vacation we should take a house together, with mom and dad.
        The dog is fine too, he slept through the whole party.
        """,
        """
        Lots of love, {person}
        Let us catch up at the weekend. {person}
        Hugs to the kids, {person}
        """,
    ),
    topic(
        """
        {person_}.r@mailbox.example
        {other_}.s@homepost.example
        """,
        """
        How are you?
        Movie on {day}?
        News from us
        """,
        """
        Dear {other}, how are you and the little one, and does she sleep at last?
        Hey friend, do you feel like a movie on {day}, as in the old days?
        Hi {person}, I wanted to tell you before the family does: we are moving to {city}.
        """,
        """
        My brother helps with the boxes, which means that we shall find nothing for years.
        The kids are excited about the garden and about having grandma next door.
        I miss our walks and the long talks about nothing.
        Mom asks after you every time we have dinner together.
        Come and stay for a weekend when the guest room has a bed.
        My cousin {other} has a spare ticket for the concert, if you would rather have that.
        Dad's knee is better, and he already plans the next hike.
        """,
        """
        Take care and hug everyone, {person}
        Love, {person}
        Your old friend {person}
        """,
    ),
)
