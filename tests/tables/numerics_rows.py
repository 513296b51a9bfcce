"""The rows of the numerics reference, and what of the test suite holds each.

    "sqrt": row("sqrt")                         its points are in edge_cases.py, under the same name
    "R7": row(rules="log-sigmoid …")            its spellings are in stability_cases.py, in the cases R7 …
    "max_pool": row("window_argmax …", …)       further tests by name

Every op of the registry and every stability rule belongs to a row. At generic points each op is tested by the
tables of the registry (`test_elementwise.py`, `test_array_ops.py`), whichever row it is in.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`ops` of the registry and stability `rules` that the row is about, and test functions beside the tables."""

    ops: tuple[str, ...]
    rules: tuple[str, ...]
    tests: tuple[str, ...]


def row(ops: str = "", *tests: str, rules: str = "") -> Row:
    return Row(tuple(ops.split()), tuple(rules.split()), tests)


EDGES = "test_edges.py::test_derivatives_at_the_edge"
AUTODIFF, REDUCE, NEURAL = (
    "compiler/test_autodiff.py::",
    "compiler/test_reduce.py::",
    "compiler/test_neural.py::",
)
DECOMPOSE, SPECIAL = "compiler/test_decompositions.py::", "compiler/test_special.py::"
NORMALISE, PASSES = "compiler/test_normalise.py::", "compiler/passes/"
AXES, LINALG = PASSES + "test_stability_axes.py::", PASSES + "test_stability_linalg.py::"
PRECISE, SINGLE = "compiler/test_precise.py::", "codegen/test_single_precision.py::"

PRINCIPLES = {
    "P1": row("", "compiler/test_elementwise.py::test_derivative_at_an_edge", EDGES),
    "P2": row("nonnegative", EDGES),
    "P3": row("", EDGES),
    "P4": row(
        "gate gate_finite masked",
        AUTODIFF + "test_an_unused_infinite_slope_is_masked",
        AUTODIFF + "test_a_used_infinite_slope_stays_infinite",
        AUTODIFF + "test_no_mask_where_it_is_useless",
    ),
    "P5": row("", PASSES + "test_stability.py::test_scalars", PASSES + "test_stability.py::test_arrays"),
    "P6": row("", PASSES + "test_rules.py::test_stability_rules_hold_in_real_arithmetic"),
    "P7": row("", PASSES + "test_pipeline.py::test_values_are_bit_equal_with_and_without_the_gradient"),
    "P8": row(
        "floor ceil round argmax argmin one_hot less less_equal greater greater_equal equal not_equal "
        "logical_and logical_or logical_not all any to_int to_real",
        AUTODIFF + "test_integers_and_booleans_have_no_cotangent",
        AUTODIFF + "test_piecewise_constant_ops_stop_the_flow",
        AUTODIFF + "test_an_op_without_derivative_is_named",
    ),
    "P9": row(
        "",
        AUTODIFF + "test_nan_does_not_spread_to_other_elements",
        REDUCE + "test_nan_of_one_row_stays_in_its_row",
        "codegen/test_boundary.py::test_nan_and_inf_go_through",
    ),
    "P10": row(
        "",
        AUTODIFF + "test_the_same_graph_gives_the_same_bits",
        AUTODIFF + "test_broadcasting_is_undone",
        "codegen/test_modules.py::test_the_same_bytes_in_another_process",
    ),
    "P11": row("", PASSES + "test_cases.py::test_case", PASSES + "test_forbidden.py::test_conventions_survive"),
    "P12": row("", AUTODIFF + "test_higher_derivatives_by_repetition", AUTODIFF + "test_an_op_without_derivative_is_named"),
    "0.1": row("tight_sigmoid tight_tanh", PRECISE + "test_slopes_in_the_tails", AUTODIFF + "test_narrow_drops_guards_by_intervals"),
}  # fmt: skip

ELEMENTWISE = {
    "neg, square": row("neg square"),
    "abs": row("abs"),
    "sign": row("sign"),
    "sqrt": row("sqrt"),
    "cbrt": row("cbrt"),
    "exp, expm1": row("exp expm1"),
    "log, log2, log10": row("log log2 log10"),
    "log1p": row("log1p"),
    "sin, cos, tan": row("sin cos tan"),
    "asin, acos": row("arcsin arccos"),
    "atan": row("arctan"),
    "sinh, cosh": row("sinh cosh"),
    "tanh": row("tanh", PRECISE + "test_slopes_in_the_tails"),
    "asinh": row("arcsinh"),
    "acosh": row("arccosh"),
    "atanh": row("arctanh"),
    "reciprocal": row("reciprocal"),
    "erf, erfc": row("erf erfc"),
    "lgamma": row("lgamma"),
    "digamma": row("digamma polygamma", SPECIAL + "test_poles_of_polygamma"),
    "sigmoid": row("sigmoid", PRECISE + "test_slopes_in_the_tails"),
    "log_sigmoid": row("log_sigmoid"),
    "softplus": row("softplus"),
    "relu": row("relu"),
    "leaky_relu, prelu": row("leaky_relu"),
    "elu, selu": row("elu selu"),
    "gelu (erf)": row("gelu ndtr"),
    "gelu (tanh)": row("gelu_tanh"),
    "silu": row("silu"),
    "hardtanh, relu6, hard_sigmoid": row(),
    "clip": row("clip"),
    "+ - *": row("add sub mul", AUTODIFF + "test_broadcasting_is_undone"),
    "x/y": row("div"),
    "x**n": row("power", "compiler/test_elementwise.py::test_derivative_of_a_constant_power"),
    "x**c": row("", "compiler/test_elementwise.py::test_texts_of_powers_with_a_constant_exponent"),
    "x**y": row(),
    "maximum": row("maximum", AUTODIFF + "test_narrow_decides_maximum_and_minimum"),
    "minimum": row("minimum"),
    "where": row("where", AUTODIFF + "test_overflow_in_a_branch_that_is_not_taken"),
    "atan2": row("arctan2"),
    "hypot": row("hypot"),
    "logaddexp": row("logaddexp log_weight"),
    "xlogy": row("xlogy"),
    "xlog1py": row("xlog1py"),
    "lbeta": row("lbeta digamma_drop", SPECIAL + "test_lbeta_of_large_arguments"),
    "mod": row("mod floordiv"),
}  # fmt: skip

REDUCTIONS = {
    "sum, mean": row("sum mean", REDUCE + "test_reduction"),
    "max, min": row(
        "max min",
        REDUCE + "test_extreme_of_several_axes_goes_to_the_first_in_c_order",
        REDUCE + "test_extreme_of_nothing_is_an_error_where_that_is_known",
    ),
    "prod": row("prod exclusive_cumprod"),
    "cumsum": row("cumsum", REDUCE + "test_cumsum_is_reversed"),
    "cumprod": row("cumprod linear_scan", REDUCE + "test_cumprod_is_exact_with_zeros"),
    "var": row("var centred_squares", REDUCE + "test_degrees_of_freedom", REDUCE + "test_variance_survives_an_offset"),
    "std": row("std divide_or_zero", REDUCE + "test_std_of_a_constant_is_0_and_so_is_its_slope"),
    "norm L1 / L2": row("norm", REDUCE + "test_euclidean_norm", REDUCE + "test_taxicab_norm_is_flat_at_0"),
    "logsumexp": row("logsumexp exp_share max_shift shifted", REDUCE + "test_logsumexp"),
    "softmax": row("softmax", NORMALISE + "test_softmax"),
    "log_softmax": row("log_softmax", NORMALISE + "test_log_softmax_far_from_0"),
    "cross_entropy(label)": row(
        "cross_entropy decrement tight_cross_entropy",
        NORMALISE + "test_cross_entropy",
        NORMALISE + "test_labels_out_of_range_raise",
        PRECISE + "test_cross_entropy_where_the_label_leads",
    ),
    "cross_entropy(probs)": row("cross_entropy_probs", NORMALISE + "test_cross_entropy_with_probabilities"),
    "bce_with_logits": row("bce_with_logits"),
    "bce": row(),
    "mse, mae": row(),
    "huber": row("huber"),
    "kl(p, q)": row("rel_entr"),
    "kl(log p, log q)": row("", "compiler/test_library.py::test_the_gradient_of_a_library_function_is_proved"),
}  # fmt: skip

ARRAYS = {
    "dot": row("", "compiler/test_linalg.py::test_adjoints_of_a_product"),
    "matmul": row("matmul", "compiler/test_linalg_jax.py::test_products_with_vectors_and_of_size_0_and_1"),
    "matmul batched": row("", "compiler/test_linalg_jax.py::test_products_of_stacks"),
    "outer": row("outer", "compiler/test_linalg.py::test_adjoints_of_an_outer_product"),
    "einsum": row("einsum contract tensordot", "compiler/test_linalg_jax.py::test_einsum"),
    "trace": row("trace", "compiler/test_linalg.py::test_trace_reaches_the_diagonal_alone"),
    "diag / diagonal": row("diag diagonal put_diagonal eye"),
    "det": row(
        "det cofactors cofactors_adjoint",
        DECOMPOSE + "test_the_gradient_of_a_vanishing_determinant",
        DECOMPOSE + "test_cofactors_of_every_rank",
    ),
    "slogdet, logdet": row(
        "slogdet slogdet_part",
        DECOMPOSE + "test_singular_matrices_have_no_logarithm_to_differentiate",
        DECOMPOSE + "test_sign_and_logarithm_come_of_one_call",
    ),
    "inv": row("inv", "compiler/test_linalg_jax.py::test_functions_of_a_matrix"),
    "solve": row("solve", "compiler/test_linalg_jax.py::test_equations", DECOMPOSE + "test_the_factor_is_made_once_and_serves_both_passes"),
    "solve_triangular": row("solve_triangular", "compiler/test_linalg_jax.py::test_triangular_equations", DECOMPOSE + "test_the_other_triangle_is_not_read"),
    "cholesky": row(
        "cholesky",
        DECOMPOSE + "test_cholesky_reads_the_lower_triangle_and_has_a_symmetric_gradient",
        DECOMPOSE + "test_a_matrix_that_is_not_positive_definite_has_no_factor",
    ),
    "transpose, reshape, flip, roll": row("transpose reshape flip roll"),
    "broadcast_to": row("broadcast_to repeat tile"),
    "slice": row("getitem put set_at add_at"),
    "index, gather": row(
        "gather scatter_add take_along put_along take_flat put_flat",
        "compiler/test_indexing.py::test_repeated_and_negative_indices_add_up",
        "compiler/test_indexing.py::test_index_out_of_range_raises",
    ),
    "concat, stack": row("concatenate stack"),
    "pad": row("pad fold_pad", "compiler/test_shape.py::test_a_rim_adds_to_what_it_was_taken_from"),
    "tril, triu": row("tril triu", "compiler/test_shape.py::test_triangles_let_no_nan_through"),
    "dropout": row(
        "in_training random_mask",
        NEURAL + "test_one_mask_in_both_passes",
        NEURAL + "test_what_is_dropped_is_zero_and_so_is_its_gradient",
        PASSES + "test_modes.py::test_each_mode_takes_its_side",
    ),
    "layer_norm": row("normalize", NORMALISE + "test_normalisation_of_a_constant_row"),
    "batch_norm": row("", "compiler/test_neural_jax.py::test_batch_norm", NEURAL + "test_the_batch_trains_and_the_given_statistics_predict"),
    "conv": row(
        "patches fold",
        "compiler/test_neural_jax.py::test_conv2d",
        "compiler/test_neural_jax.py::test_conv1d",
        NEURAL + "test_rows_that_the_stride_leaves_over_get_zero",
        NEURAL + "test_the_adjoint_identity_of_a_convolution",
    ),
    "max_pool": row("window_argmax window_max", NEURAL + "test_a_tie_of_a_plane_goes_to_the_first_in_row_major_order", NEURAL + "test_the_rim_never_wins"),
    "avg_pool": row("", "compiler/test_neural_jax.py::test_avg_pool2d"),
}  # fmt: skip

RULES = {
    "R1": row("", AXES + "test_value_and_jacobian", rules="log-softmax log-inverse-softmax log-softmax-max picked-log-softmax logsumexp-less-picked"),
    "R2": row("", AXES + "test_value_and_jacobian", rules="sub-logsumexp"),
    "R3": row("tight_logsumexp tight_log_softmax", PRECISE + "test_logsumexp_of_one_that_dominates"),
    "R4": row("", AXES + "test_value_and_jacobian", rules="log-of-exponentials"),
    "R5": row("", AXES + "test_value_and_jacobian", AXES + "test_axes_of_length_one_hide_nothing", rules="softmax softmax-max"),
    "R6": row(rules="sigmoid exp-sigmoid exps-sigmoid exp-times-sigmoid"),
    "R7": row(rules="log-sigmoid log-one-minus-sigmoid"),
    "R8": row(rules="one-minus-sigmoid"),
    "R9": row(rules="softplus"),
    "R10": row("", PASSES + "test_forbidden.py::test_value_is_that_of_numpy", rules="expm1 log1p"),
    "R11": row(rules="rel-entr rel-entr-inverse rel-entr-logs"),
    "R12": row("log1mexp", rules="log1mexp"),
    "R13": row(rules="one-minus-cos"),
    "R14": row("", AXES + "test_value_and_jacobian", rules="sqrt-square hypot norm norm-dot"),
    "R15": row("", AXES + "test_value_and_jacobian", AXES + "test_x_log_x_at_zero", rules="xlogx"),
    "R16": row("", AXES + "test_value_and_jacobian", rules="var var-centred std"),
    "R17": row(rules="exp-times-exp exp-over-exp one-over-exp log-reciprocal"),
    "R18": row(rules="difference-of-squares"),
    "R19": row(rules="one-minus-erf one-plus-erf one-minus-erfc two-minus-erfc one-minus-ndtr"),
    "R20": row("log_erfc erfcx", rules="log-one-minus-erf log-one-plus-erf log-ndtr log-erfc"),
    "R21": row(rules="minus-times-erf plus-times-erf gelu-0 gelu-1 gelu-2 gelu-ndtr"),
    "R22": row(rules="sinh-cosh exp-tanh sigmoid-tanh sinh cosh"),
    "R23": row(rules="arctanh arctanh-logs arcsinh"),
    "R24": row("", LINALG + "test_an_inverse_times_a_vector_is_solved", LINALG + "test_a_matrix_times_an_inverse_is_solved", rules="solve solve-from-the-right"),
    "R25": row(
        "log_abs_det det_sign",
        LINALG + "test_the_logarithm_of_a_determinant_that_no_double_holds",
        LINALG + "test_the_sign_of_a_determinant_that_no_double_holds",
        rules="log-abs-det log-square-det sign-det",
    ),
    "R26": row("log_det", LINALG + "test_the_logarithm_keeps_its_domain", rules="log-det log-sqrt-det"),
    "R27": row("", AXES + "test_value_and_jacobian", LINALG + "test_the_diagonal_of_a_factor_is_known_to_be_positive", rules="log-prod"),
    "R28": row(rules="difference-of-roots"),
    "R29": row("logit", rules="logit logit-logs logit-inverse logit-odds"),
    "R30": row("", "compiler/test_elementwise.py::test_texts_of_powers_with_a_constant_exponent", "compiler/test_elementwise.py::test_derivative_of_a_constant_power"),
    "3.2": row("", PASSES + "test_forbidden.py::test_safe_forms_survive_optimisation", PASSES + "test_stability.py::test_every_case_has_four_spellings", PASSES + "test_stability.py::test_in_bodies", AXES + "test_rows_in_a_loop"),
    "3.3": row("", PASSES + "test_forbidden.py::test_value_is_that_of_numpy", PASSES + "test_forbidden.py::test_conventions_survive"),
}  # fmt: skip

ROUTINES = {
    "4 accuracy": row("", SPECIAL + "test_accuracy_on_arrays", SPECIAL + "test_python_floats_are_as_good", SPECIAL + "test_the_tables_are_what_the_script_computes"),
    "4 digamma": row("", SPECIAL + "test_digamma_at_the_double_next_to_its_zero", SPECIAL + "test_digamma_below_zero"),
    "4 lbeta": row("", SPECIAL + "test_lbeta", SPECIAL + "test_digamma_drop"),
    "4 float32": row("", SPECIAL + "test_single_precision_is_the_double_rounded"),
    "5 dtypes": row("", SINGLE + "test_no_double_appears", "compiler/test_elementwise.py::test_array_text_keeps_float32"),
    "5 sums": row("", SINGLE + "test_many_numbers_are_added_in_double_precision", SINGLE + "test_few_numbers_are_added_as_they_are"),
    "6 checks": row("", "compiler/test_gradcheck.py::test_the_right_rule_passes_and_wrong_ones_are_caught", "compiler/test_differences.py::test_the_complex_step_is_exact"),
    "7.1": row("", "compiler/test_elementwise.py::test_derivatives_to_second_order_are_those_of_sympy", "compiler/test_array_ops.py::test_gradient"),
    "7.5": row("", "codegen/test_modules.py::test_no_warnings_at_the_edges", "codegen/test_modules.py::test_the_plain_value_still_warns"),
}  # fmt: skip

# What no row is about: leaves of the graph, its structure, what a model states itself.
STRUCTURE = row(
    "argument const dim pattern undefined zeros_like seed arange linspace check after loop item branch own_adjoint governed stop_gradient detached columns tiled "
    "gradient directional named",
    PASSES + "test_structured.py::test_the_gradient_is_that_of_differences",
    "compiler/test_control.py::test_module_gives_the_gradient_of_the_python_program",
    "compiler/test_own_adjoints.py::test_gradient",
    "codegen/test_assertions.py::test_a_call_is_refused",
    "compiler/test_derivatives.py::test_sympy_and_differences_agree",
)  # fmt: skip

ROWS = {**PRINCIPLES, **ELEMENTWISE, **REDUCTIONS, **ARRAYS, **RULES, **ROUTINES}
