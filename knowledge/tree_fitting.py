"""Growing boosted trees with scikit-learn; imported where something is trained, never by a server that only reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.feature_extraction import DictVectorizer

from knowledge.trees import Trees

SEED = 7
TREES, TREE_DEPTH = 300, 5


def fit_trees(
    named: Sequence[Mapping[str, float]],
    truth: Sequence[bool],
    shares: Sequence[float],
    least: int = 30,
    depth: int = TREE_DEPTH,
    tried: float = 0.1,
) -> Trees:
    """Boosted trees over named features that at least `least` rows have; `shares` is the weight of each row.

    `tried` is the share of the features that each fork looks at.
    """
    vectoriser = DictVectorizer(dtype=np.float32)
    whole = vectoriser.fit_transform(named)
    kept = np.flatnonzero(whole.getnnz(axis=0) >= least)
    names = vectoriser.get_feature_names_out()[kept]
    model = GradientBoostingClassifier(
        n_estimators=TREES, learning_rate=0.05, max_depth=depth, subsample=0.6, max_features=tried,
        min_samples_leaf=20, random_state=SEED,
    )  # fmt: skip
    model.fit(whole[:, kept].toarray(), np.array(truth), sample_weight=np.array(shares))
    asks: list[int] = []
    roots: list[int] = []
    left: list[int] = []
    right: list[int] = []
    bounds: list[float] = []
    values: list[float] = []
    for (fitted,) in model.estimators_:
        tree, first = fitted.tree_, len(asks)
        leaf = tree.children_left < 0
        own = np.arange(tree.node_count)
        roots.append(first)
        asks += np.where(leaf, 0, tree.feature).tolist()
        bounds += np.where(leaf, 0.0, tree.threshold).tolist()
        left += (first + np.where(leaf, own, tree.children_left)).tolist()
        right += (first + np.where(leaf, own, tree.children_right)).tolist()
        values += (np.where(leaf, tree.value[:, 0, 0], 0.0) * model.learning_rate).tolist()
    prior = float(np.average(truth, weights=shares))
    return Trees(
        tuple(map(str, names)),
        np.array(roots, dtype=np.int32),
        np.array(asks, dtype=np.int32),
        np.array(bounds, dtype=np.float32),
        np.array(left, dtype=np.int32),
        np.array(right, dtype=np.int32),
        np.array(values, dtype=np.float32),
        float(np.log(prior / (1 - prior))),
        depth,
    )
