"""The components and policies of a Rasa project, and what of their options counts here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum

from bot.rasa.refusals import Source

# How alike an unknown option and the one that is likely meant must be, of 1.
CLOSE = 0.8


class Kind(StrEnum):
    """What an option must be."""

    NUMBER = "number"
    FLAG = "flag"
    TEXT = "text"
    NAME_OR_NONE = "name or nothing"
    TURNS_OR_NONE = "whole number from 1, or nothing"


@dataclass(frozen=True)
class Options:
    """The options that are honoured, and those that Rasa knows and that have no effect here."""

    honoured: Mapping[str, Kind] = field(default_factory=dict)
    idle: frozenset[str] = frozenset()


_TOKENS = frozenset({"intent_tokenization_flag", "intent_split_symbol", "token_pattern", "prefix_separator_symbol"})
_PATTERNS = dict.fromkeys(("case_sensitive", "use_lookup_tables", "use_regexes", "use_word_boundaries"), Kind.FLAG)
_NETWORK = frozenset(
    {
        "batch_size",
        "batch_strategy",
        "BILOU_flag",
        "checkpoint_model",
        "concat_dimension",
        "connection_density",
        "constrain_similarities",
        "dense_dimension",
        "drop_rate",
        "drop_rate_attention",
        "drop_rate_dialogue",
        "drop_rate_label",
        "drop_small_last_batch",
        "embedding_dimension",
        "encoding_dimension",
        "epochs",
        "evaluate_every_number_of_epochs",
        "evaluate_on_number_of_examples",
        "featurizers",
        "hidden_layers_sizes",
        "learning_rate",
        "loss_type",
        "max_relative_position",
        "maximum_negative_similarity",
        "maximum_positive_similarity",
        "model_confidence",
        "negative_margin_scale",
        "number_of_attention_heads",
        "number_of_negative_examples",
        "number_of_transformer_layers",
        "random_seed",
        "ranking_length",
        "regularization_constant",
        "renormalize_confidences",
        "run_eagerly",
        "scale_loss",
        "share_hidden_layers",
        "similarity_type",
        "split_entities_by_comma",
        "tensorboard_log_directory",
        "tensorboard_log_level",
        "transformer_size",
        "unidirectional_encoder",
        "use_dense_input_dropout",
        "use_gpu",
        "use_key_relative_attention",
        "use_masked_language_model",
        "use_maximum_negative_similarity",
        "use_sparse_input_dropout",
        "use_value_relative_attention",
    }
)
_CRF = frozenset({"BILOU_flag", "split_entities_by_comma", "features", "max_iterations", "L1_c", "L2_c", "featurizers"})
_LOGISTIC = frozenset({"max_iter", "solver", "tol", "random_state", "ranking_length"})
_SVM = frozenset({"C", "gamma", "kernels", "max_cross_validation_folds", "scoring_function", "num_threads"})
_MEMORY = Options(
    {"priority": Kind.NUMBER, "max_history": Kind.TURNS_OR_NONE, "use_nlu_confidence_as_score": Kind.FLAG},
    frozenset({"enable_feature_string_compression"}),
)
# Read by bot/rasa/understanding.py, which does these components in our own way.
COMPONENTS: Mapping[str, Options] = {
    "WhitespaceTokenizer": Options(idle=_TOKENS),
    "JiebaTokenizer": Options(idle=_TOKENS | {"dictionary_path"}),
    "RegexFeaturizer": Options(_PATTERNS, frozenset({"alias", "number_additional_patterns"})),
    "RegexEntityExtractor": Options(_PATTERNS),
    "EntitySynonymMapper": Options(),
    "ResponseSelector": Options({"retrieval_intent": Kind.NAME_OR_NONE}, _NETWORK | {"use_text_as_label"}),
    "FallbackClassifier": Options({"threshold": Kind.NUMBER, "ambiguity_threshold": Kind.NUMBER}),
    "KeywordIntentClassifier": Options({"case_sensitive": Kind.FLAG}),
    "DIETClassifier": Options(dict.fromkeys(("intent_classification", "entity_recognition"), Kind.FLAG), _NETWORK),
    "CRFEntityExtractor": Options(idle=_CRF),
    "LogisticRegressionClassifier": Options(idle=_LOGISTIC),
    "SklearnIntentClassifier": Options(idle=_SVM),
}
# Our own encoder and classifiers stand in for these; so do they for what our own project runs in Rasa's process.
REPLACED = {
    "CountVectorsFeaturizer",
    "LexicalSyntacticFeaturizer",
    "LanguageModelFeaturizer",
    "ConveRTFeaturizer",
    "SpacyNLP",
    "SpacyTokenizer",
    "SpacyFeaturizer",
    "MitieNLP",
    "MitieTokenizer",
    "MitieFeaturizer",
    "MitieIntentClassifier",
}
OWN = {"bot.rasa_components.LanguageIdentifier", "bot.rasa_components.ChengdaUnderstanding"}
FOREIGN = {"DucklingEntityExtractor", "SpacyEntityExtractor", "MitieEntityExtractor"}
POLICIES: Mapping[str, Options] = {
    "RulePolicy": Options(
        {
            "priority": Kind.NUMBER,
            "core_fallback_threshold": Kind.NUMBER,
            "core_fallback_action_name": Kind.TEXT,
            "enable_fallback_prediction": Kind.FLAG,
            "restrict_rules": Kind.FLAG,
            "check_for_contradictions": Kind.FLAG,
            "use_nlu_confidence_as_score": Kind.FLAG,
        }
    ),
    "MemoizationPolicy": _MEMORY,
    "AugmentedMemoizationPolicy": _MEMORY,
    "TEDPolicy": Options(
        {"priority": Kind.NUMBER, "max_history": Kind.TURNS_OR_NONE},
        _NETWORK | {"entity_recognition", "e2e_confidence_threshold", "featurizer", "max_training_samples"},
    ),
    "UnexpecTEDIntentPolicy": Options(
        idle=_NETWORK
        | {"entity_recognition", "ignore_intents_list", "tolerance", "featurizer", "max_history", "priority"}
    ),
}
# Networks that are not trained here.
UNTRAINED = {"TEDPolicy", "UnexpecTEDIntentPolicy"}


def check_options(source: Source, name: str, given: Mapping[str, object], known: Options, *at: str | int) -> None:
    """Tell of options without effect, also those that Rasa does not know; refuse what is not what it must be."""
    for key, value in given.items():
        if (kind := known.honoured.get(key)) is not None:
            _check_value(source, kind, value, *at, key)
        elif key in known.idle:
            source.leave_alone(f"option `{key}` of {name} has no effect here 在此不起作用", *at, key)
        else:
            source.leave_alone(
                f"{name} has no option `{key}`{_meant(key, known)}, in Rasa neither 没有此选项，Rasa 亦然", *at, key
            )


def _meant(key: str, known: Options) -> str:
    """The option that counts and is written nearly so, as a question."""
    near = get_close_matches(key, known.honoured, 1, CLOSE)
    return f" (`{near[0]}`?)" if near else ""


def _check_value(source: Source, kind: Kind, value: object, *at: str | int) -> None:
    if kind == Kind.TURNS_OR_NONE:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            source.refuse(f"`{at[-1]}` must be a {kind} 须为不小于 1 的整数，或留空", *at)
    elif kind == Kind.NAME_OR_NONE:
        source.text(value, *at)
    elif value is None:
        source.refuse(f"`{at[-1]}` has no value 没有值", *at)
    elif kind == Kind.NUMBER:
        source.number(value, 0, *at)
    elif kind == Kind.FLAG:
        source.flag(value, True, *at)
    else:
        source.text(value, *at)
