"""`cinepulse forget`: remove a post, or an author's posts, from everything at once, and prove it."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from cinepulse.commands.options import Format, format_option, print_rows, waiting, with_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cinepulse.commands.forget_scan import Found
    from cinepulse.settings import Settings

FULLNAME: Final = re.compile(r"t[13]_[0-9a-z]{1,12}")
# https://www.reddit.com/r/movies/comments/1abcde/some_title/ and the same with a comment's id behind it.
ADDRESS: Final = re.compile(
    r"https?://[^/]+/(?:r/[^/]+/)?comments/([0-9a-z]{1,12})(?:/[^/?]*(?:/([0-9a-z]{1,12}))?)?/?(?:\?.*)?"
)
AUTHOR: Final = re.compile(r"[\w-]{1,40}", re.ASCII)


@click.command()
@click.argument("posts", nargs=-1, metavar="POST_ID...")
@with_settings("kafka_bootstrap", "partitions", "clickhouse_host", "clickhouse_port", "clickhouse_database")
@click.option(
    "--author", metavar="NAME", help="Forget this account's posts of the last 48 hours, and its dead letters."
)
@click.option("--dry-run", is_flag=True, help="Show where the posts are and remove nothing.")
@click.option(
    "--wait",
    type=click.FloatRange(1),
    default=60,
    show_default=True,
    help="Seconds to wait for each worker, and for Kafka's compaction.",
)
@format_option
def forget(  # noqa: PLR0913 - one argument an option
    settings: Settings, *, posts: Sequence[str], author: str | None, dry_run: bool, wait: float, output: Format
) -> int:
    """Remove a post from counts, topics, states, tables and the producer's memory, and keep it from coming back.

    POST_ID is a fullname, t3_... or t1_..., or the post's address. Afterwards everything is looked through: exit code 0
    when nothing was found, 1 with what is left, where, and until when at the latest. Run it again then: it goes on.

    Authors are known only in reddit.posts, which keeps 48 hours, so --author finds the posts seen since.

    \b
    Examples:
      cinepulse forget t3_1abcde
      cinepulse forget https://www.reddit.com/r/movies/comments/1abcde/some_title/
      cinepulse forget --author some_name --dry-run
    """  # noqa: D301 - click reads \b
    from cinepulse.commands.forget_scan import Scan, posts_by
    from cinepulse.commands.forgetting import Forgetting
    from clickhouse.client import connect
    from schemas.codec import Codec
    from schemas.registry import schema_ids

    wanted = {fullname_of(post) for post in posts}
    codec = Codec(schema_ids(settings))
    if author is not None:
        author = author.removeprefix("u/")
        if not AUTHOR.fullmatch(author):
            raise click.BadParameter("an account's name has letters, digits, _ and -", param_hint="--author")
        wanted |= posts_by(settings, codec, author)
    elif not wanted:
        raise click.UsageError("name a post or give --author")
    with waiting() as say:
        scan = Scan(settings, codec, connect(settings), wanted, author)
        forgetting = Forgetting(scan, wait, say)
        found = scan.everything() if dry_run else forgetting.run()
    for note in forgetting.notes:
        click.echo(f"note: {note}", err=True)
    _print(found, sorted(wanted), output)
    return 0 if dry_run or not any(one.found for one in found) else 1


def fullname_of(text: str) -> str:
    """Return the fullname that a user means.

    Raises click.BadParameter for what is neither a fullname nor an address of a post.
    """
    if FULLNAME.fullmatch(text):
        return text
    address = ADDRESS.fullmatch(text)
    if address is None:
        raise click.BadParameter(f"{text!r} is no post: give t3_... or t1_..., or its address", param_hint="POST_ID")
    submission, comment = address.groups()
    return f"t1_{comment}" if comment else f"t3_{submission}"


def _print(found: Sequence[Found], posts: Sequence[str], output: Format) -> None:
    rows = [{**asdict(one), "until": one.until if one.found else ""} for one in found]
    print_rows(rows, output, title=f"What is found of {len(posts)} post{'s' * (len(posts) != 1)}")
