"""Input that somebody made to break out of the place where it belongs."""

from hypothesis import strategies as st

PIECES = (
    '"', "'", "\\", "\n", "\r\n", "\0", "\t", "\x1b[2J", "\x7f", "\x85", "\u2028", "\u202e", "\u200b", "\ufeff",
    "$(id)", "`id`", "${HOME}", "$host", ";", "&&", "|", ">", "<", "#", "%", "%(here)s", "%%", "{", "}", "{{ 7*7 }}",
    "{% raw %}", "{#", "../", "/", "//", "..", ".", "-", "--privileged", "-v/:/host", "*", "?", "~", "=", ",", ":",
    "@", "!", " ", "\nRUN id\n", "\n[program:x]\ncommand=id\n", "\nDEPL_X=1", "; } server { listen 81; ", "https://u:p@h/",
    "ａｐｐ", "аpp1", "２０２６", "١", "²", "ß", "İ", "app1", "web", "2026.11.22.12.05", "@3", "0", "1", "9" * 30, "e9",
    "\ud800", "NaN", "256m", "None", "null", "true", "libx.so.1", "depl_", "DEPL_", "a" * 70, "x" * 5000,
)  # fmt: skip

texts = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=5).map("".join),
    st.sampled_from(PIECES),
    st.text(max_size=40),
)
"""Any text, above all a wicked one."""


def near(*good: str) -> st.SearchStrategy[str]:
    """Values that look right but for something put in, before, behind or instead of a part."""
    piece = st.sampled_from(PIECES)
    sound = st.sampled_from(good)
    cut = st.tuples(sound, st.integers(0, 40), st.integers(0, 4), piece)
    return st.one_of(sound, texts, cut.map(lambda one: one[0][: one[1]] + one[3] + one[0][one[1] + one[2] :]))


json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.sampled_from([10**400, -1, 2**63]), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
"""Any JSON."""


def broken(tree: object, values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """The tree with one of its values or keys, at any depth, replaced, removed or added."""
    spots = list(_spots(tree))
    what = st.tuples(st.sampled_from(spots), values, texts, st.sampled_from(("value", "value", "key", "gone", "more")))
    return what.map(lambda one: _changed(tree, *one))


def _spots(tree, path=()):
    yield path
    for key in tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield from _spots(tree[key], (*path, key))


def _changed(tree, path, value, key, how):
    if not path:
        return {**tree, key: value} if how == "more" and isinstance(tree, dict) else value
    first, *rest = path
    if isinstance(tree, list):
        return [_changed(one, rest, value, key, how) if n == first else one for n, one in enumerate(tree)]
    if rest or how in ("value", "more"):
        return {one: _changed(found, rest, value, key, how) if one == first else found for one, found in tree.items()}
    return {(key if one == first else one): found for one, found in tree.items() if how == "key" or one != first}
