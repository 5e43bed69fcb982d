"""TMDB to `tmdb.popularity` and `tmdb.movies`: the client, the polls and the daily export."""
