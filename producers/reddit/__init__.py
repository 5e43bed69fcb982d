"""Reddit to `reddit.posts`: the overlap poller and the re-checks."""
