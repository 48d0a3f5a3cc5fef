"""Ranker and selector: scores of the winner, gain from more candidates, agreement."""

from collections.abc import Sequence
from itertools import combinations
from math import comb, isfinite
from statistics import fmean

from dataset.rows.row_source import Row
from dataset.score.estimate import Estimate, estimate_mean, estimate_share

MOST_CANDIDATES = 40


def top_similarities(rows: Sequence[Row]) -> list[float]:
    """The ranker's similarity of each top caption, where it was ranked."""
    found = (_similarity_of(row, row["top_caption"]) for row in rows)
    return [one for one in found if one is not None]


def _similarity_of(row: Row, caption: str) -> float | None:
    pairs = zip(row["all_captions"] or (), row["all_similarities"] or (), strict=False)
    return next(
        (score for name, score in pairs if name == caption and score is not None and isfinite(score)), None
    )


def best_of(rows: Sequence[Row]) -> list[tuple[int, float]]:
    """For each number of candidates the mean similarity of the best of so many, drawn from a row's own.

    Of a row's scores s1 >= s2 >= ... >= sM the best of N is sk with the chance C(M-k, N-1) / C(M, N); a row
    with fewer candidates than N gives its best.
    """
    scores = [_scores(row) for row in rows]
    scores = [one for one in scores if one]
    if not scores:
        return []
    longest = min(MOST_CANDIDATES, max(map(len, scores)))
    return [(n, fmean(_expected_best(one, n) for one in scores)) for n in range(1, longest + 1)]


def _scores(row: Row) -> list[float]:
    return sorted((s for s in row["all_similarities"] or () if s is not None and isfinite(s)), reverse=True)


def _expected_best(scores: Sequence[float], drawn: int) -> float:
    total = len(scores)
    if drawn >= total:
        return scores[0]
    ways = comb(total, drawn)
    return sum(score * comb(total - place, drawn - 1) / ways for place, score in enumerate(scores, 1))


def same_winner(rows: Sequence[Row]) -> Estimate | None:
    """The share of rows whose top caption is the ranker's best too."""
    flags = [row["top_caption"] == row["all_captions"][0] for row in rows if row["all_captions"]]
    return estimate_share(flags) if flags else None


def rank_agreement(rows: Sequence[Row]) -> Estimate | None:
    """Kendall's tau between ranker and selector over the shortlist, mean of all rows; -1 to 1."""
    taus = [tau for tau in map(_tau, rows) if tau is not None]
    return estimate_mean(taus) if taus else None


def _tau(row: Row) -> float | None:
    ranker = dict(zip(row["all_captions"] or (), row["all_similarities"] or (), strict=False))
    pairs = zip(row["shortlist"] or (), row["shortlist_similarities"] or (), strict=False)
    both = [(ranker[name], score) for name, score in pairs if name in ranker and score is not None]
    signs = [_sign(a[0] - b[0]) * _sign(a[1] - b[1]) for a, b in combinations(both, 2)]
    return fmean(signs) if signs else None


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)
