"""What people write in the generated world. `{film}` stands for a film's name, `{other}` for a second one's.

Outside these two no phrase names a film, though many use words that are titles too.
"""

from __future__ import annotations

from typing import Final

FLAIRS: Final = ("Discussion", "Review", "News", "Trailer", "Recommendation", "Question", "Poster", None, None, None)

SUBMISSION_TITLES: Final = (
    "Just watched {film} for the first time and I have thoughts",
    "{film} is better than I remembered",
    "What did everyone think of {film}?",
    "Is {film} overrated or am I missing something",
    "{film} holds up incredibly well",
    "Unpopular opinion: {film} deserved more awards",
    "Saw {film} last night, the sound design is unreal",
    "Can we talk about the ending of {film}?",
    "The cinematography in {film} still blows my mind",
    "{film} - official discussion",
    "Rewatching {film} with my dad this weekend",
    "Why does nobody talk about {film} anymore?",
    "The score of {film} lives in my head rent free",
    "I finally understand the hype around {film}",
    "TIL how they shot the opening of {film}",
    "{film} review: messy, loud and I loved every minute",
)
BURST_TITLES: Final = (
    "{film} | Official Trailer",
    "The new trailer for {film} just dropped",
    "{film} trailer: that last shot!!",
    "New poster and trailer for {film}",
    "{film} is tracking for a huge opening weekend",
    "Everything we noticed in the {film} trailer",
)
SLEEPER_TITLES: Final = (
    "How is nobody talking about {film}",
    "Went in blind: {film} is the surprise of the year",
    "{film} keeps adding screens, word of mouth is real",
    "My whole office is suddenly recommending {film}",
    "Please go see {film} while it is still playing",
)
FADING_TITLES: Final = (
    "Second weekend drop for {film} is brutal",
    "Anyone still thinking about {film}?",
    "{film} leaves most theaters on Thursday",
    "Finally caught {film} before it left",
)
SEVERAL_TITLES: Final = (
    "{film} or {other}?",
    "Double feature: {film} and {other}",
    "If you liked {film} you should try {other}",
    "{film} did it first, {other} did it louder",
    "Ranking them: {film} > {other}",
)
CHATTER_TITLES: Final = (
    "Why are tickets so expensive now?",
    "What is your comfort watch when you are sick?",
    "People who talk during screenings, why",
    "Suggest me something slow and sad",
    "Best theater in Chicago for 70mm?",
    "Do you stay for the credits?",
    "My local cinema is closing after 60 years",
    "What was the last thing that made you cry?",
    "Looking for a thriller set on a boat, foreign is fine",
    "Which actor can't do accents at all?",
    "Popcorn buckets have gone too far",
    "Subtitles on or off?",
    "Which director should retire? Be honest",
    "Weekend box office thread",
)
CHATTER_BODIES: Final = (
    "",
    "",
    "Title says it all. What do you think?",
    "I have seen most of the classics, so anything after 2015 is welcome.",
    "Not trying to start a fight, I just don't get it.",
    "We paid 48 dollars for two seats &amp; a soda. Never again.\n\n**Edit:** wow, front page.",
    "> be kind and rewind\n\nRemember those days?",
)
# Every line uses words that are film titles, and none names a film.
DECOY_TITLES: Final = (
    "It took us forever to find parking up here",
    "Nope, I am never going to a midnight screening again",
    "Who taught her to smile like that on a red carpet?",
    "I wish studios would kill the release window",
    "Don't fall into the trap of ranking everything",
    "Here is what you missed while you were away",
    "Old people will get this one",
    "Did the network really pull up the flow of new episodes?",
    "A joker in row nine had taken our seats",
    "After the show we drove home in heavy traffic",
    "Big news for us Canadians, once again",
    "Up to 300 people waited for her autograph",
    "Nobody told me the room had no heat",
    "Is it just me or is the speed of this site a joke",
)
DECOY_BODIES: Final = (
    "",
    "It was 9 or so when they let us in. Go figure.",
    "She said nope and that was it. Life goes on.",
    "Whatever happened up there, it is on us. Wish you were here!",
    "Alien as it sounds, some of us like the old ones. IT SHOWS.",
    "They took her phone and ran. M is for menace, I guess.",
)
OFF_TOPIC: Final = (
    ("AskReddit", "What is a small thing that made your week?"),
    ("AskReddit", "What skill took you one afternoon to learn?"),
    ("technology", "Regulators look at battery imports again"),
    ("technology", "My router restarts whenever the microwave runs"),
    ("gaming", "Which boss made you quit for a month?"),
    ("gaming", "Patch notes are out and my build is dead"),
    ("books", "Finished a 900 page novel and feel empty"),
    ("books", "The audiobook narrator makes or breaks it"),
    ("cooking", "How do I keep rice from sticking?"),
    ("cooking", "Cast iron care for beginners"),
)
OFF_TOPIC_BODIES: Final = ("", "Serious answers only please.", "Photo in the comments.", "Context: 34F, two kids.")
OFF_TOPIC_COMMENTS: Final = (
    "Came here to say this.",
    "This is the way.",
    "Less heat, more patience.",
    "Source? Genuinely curious.",
    "lol same, every single time",
    "Have you tried turning it off and on again?",
)
SUBMISSION_BODIES: Final = (
    "",
    "",
    "",
    "I went in with zero expectations. The second half wrecked me.",
    "No spoilers please, I am only halfway through.",
    "The pacing is slow but it earns every minute. 8/10 for me.",
    "My partner hated it, I adored it. Who is right?\n\nWe watched it at home with good speakers.",
    "Saw it at a packed house and people clapped. When did that last happen?",
)
BODIES_WITH_FILM: Final = (
    "I keep thinking about {film}. The last act is perfect.",
    "Coming to this after {film} was a strange experience.",
    "For context, my favourite is {film}, so weigh my taste accordingly.",
    "Things I loved:\n\n* the score\n* the editing\n* how it answers {film}\n\nThings I did not: the length.",
)
LIST_BODIES: Final = (
    "My list so far:\n\n* {film}\n* {other}\n\nWhat else?",
    "1. {film}\n2. {other}\n\nFight me.",
    "Already seen {film} and {other}, so please something new.",
)
COMMENTS_WITH_FILM: Final = (
    "{film} did this better, honestly.",
    "You should watch {film} next.",
    "I saw {film} in theaters twice and would go again.",
    "{film}. Not even close.",
    "Hot take: {film} is boring after the first hour.",
    "For me it has to be {film}",
    "This reminds me of {film} so much.",
    "Disagree. I thought {film} was the best thing that year.",
    "My kids are obsessed with {film}, send help please",
    "{film} at 3 am with headphones. Trust me.",
    "I never got the love for {film} tbh",
    "That scene in {film} still gives me chills 😭",
)
COMMENTS_WITH_TWO: Final = (
    "{film} walked so that {other} could sprint.",
    "I'd put {film} above {other} any day.",
    "{film} > {other}, sorry not sorry",
    "Between {film} and {other} I was crying for a week.",
)
BURST_COMMENTS: Final = (
    "{film} looks incredible, day one for me",
    "That {film} trailer gave away the whole plot",
    "Not sold on {film} yet, the effects look unfinished",
    "{film} is going to make a billion, calling it now",
)
COMMENTS_WITHOUT_FILM: Final = (
    "Couldn't agree more.",
    "I cried. No shame.",
    "The third act lost me completely.",
    "What a performance though.",
    "Nah, the pacing was all over the place.",
    "Underrated comment right there.",
    "Where can I stream this?",
    "My whole theater was dead silent.",
    "I need a rewatch before I judge it",
    "It was fine. Not great, not terrible.",
    "She carried the entire thing on her back.",
    "Nope. Just nope.",
    "Up next on my list, thanks!",
    "Tell us how you really feel lol",
    "^(this is why we can't have nice things)",
)
QUOTED_REPLIES: Final = (
    "This. A thousand times this.",
    "Why would you say something so brave yet so wrong",
    "Counterpoint: no.",
    "Took the words right out of my mouth.",
)
DECOY_COMMENTS: Final = (
    "It was 9 or so when they let us in. Go figure.",
    "Up next: all of us back at home.",
    "Nope. Just nope.",
    "Smile and wave, that is her whole act.",
    "I wish. Here they kill every deal like that.",
    "Taken out of context, but sure.",
)
EDIT_MARKS: Final = (
    "\n\nEdit: typo",
    "\n\n**Edit:** thanks for the award!",
    "\n\nETA: spelling",
    " (edited for clarity)",
)
FIRST_NAMES: Final = (
    "quiet", "salty", "lunar", "velvet", "rusty", "mellow", "cosmic", "tiny", "lucky", "grumpy", "sleepy", "electric",
    "paper", "copper", "hazy", "bitter",
)  # fmt: skip
LAST_NAMES: Final = (
    "projector", "popcorn", "usher", "critic", "reel", "matinee", "balcony", "otter", "badger", "pigeon", "lantern",
    "kettle", "comet", "walrus", "teapot", "marmot",
)  # fmt: skip
