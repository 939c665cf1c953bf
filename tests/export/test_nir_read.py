from __future__ import annotations

import itertools
import struct
import tracemalloc
import zlib

import h5py
import nir
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from export.nir_read import read_nir
from msenas.errors import InputError
from tests.export.nir_graphs import chain, conv, full, graph, loop, small_network, written

EVERY_NODE = {
    "affine": nir.Affine(full((3, 3)), full(3)),
    "linear": nir.Linear(full((3, 3))),
    "scale": nir.Scale(full(3)),
    "delay": nir.Delay(full(3)),
    "threshold": nir.Threshold(full(3)),
    "i": nir.I(full(3)),
    "if": nir.IF(full(3), full(3), full(3, 0.25)),
    "li": nir.LI(full(3), full(3), full(3)),
    "lif": nir.LIF(full(3), full(3), full(3), full(3), full(3, 0.25)),
    "cubali": nir.CubaLI(full(3), full(3), full(3), full(3), full(3, 2)),
    "cubalif": nir.CubaLIF(full(3), full(3), full(3), full(3), full(3), full(3, 0.25), full(3, 2)),
}
POOL = tuple(np.array(pair) for pair in ([2, 2], [1, 1], [1, 0]))


def assert_same(found, expected):
    assert list(found.nodes) == list(expected.nodes)
    assert found.edges == expected.edges
    for name, node in expected.nodes.items():
        assert type(found.nodes[name]) is type(node)
        for field, value in vars(node).items():
            other = getattr(found.nodes[name], field)
            if isinstance(value, dict):
                assert value.keys() == other.keys()
                assert all(np.array_equal(value[key], other[key]) for key in value), (name, field)
            else:
                assert np.array_equal(value, other), (name, field)
                assert np.asarray(value).dtype == np.asarray(other).dtype or field in ("stride", "padding", "dilation")


def test_a_file_is_read_as_nir_reads_it(tmp_path):
    path = written(tmp_path / "a.nir", small_network(msenas='{"schema": 1}', scale=2.5, flag=True, more={"n": 3}))
    found = read_nir(path)
    assert_same(found, nir.read(path))
    assert found.metadata == {"msenas": '{"schema": 1}', "scale": 2.5, "flag": True, "more": {"n": 3}}


@pytest.mark.parametrize("kind", EVERY_NODE)
def test_every_elementwise_node(tmp_path, kind):
    path = written(tmp_path / "a.nir", chain((3,), EVERY_NODE[kind]))
    (node,) = (node for name, node in read_nir(path).nodes.items() if name == "n0")
    for field in vars(EVERY_NODE[kind]):
        if field not in ("input_type", "output_type", "metadata"):
            assert np.array_equal(getattr(node, field), getattr(EVERY_NODE[kind], field))


@pytest.mark.parametrize("pool", [nir.SumPool2d, nir.AvgPool2d])
def test_maps_have_their_types_filled_in(tmp_path, pool):
    grouped = conv(full((4, 1, 3, 2)), (5, 6), groups=2, padding="same", bias=full(4))
    path = written(
        tmp_path / "a.nir",
        chain((2, 5, 6), grouped, pool(*POOL), nir.Flatten({"input": np.array([4, 6, 5])}, 1, -1), gives=(4, 30)),
    )
    nodes = read_nir(path).nodes
    assert nodes["n0"].padding == "same"
    assert tuple(nodes["n0"].input_shape) == (5, 6)
    types = {name: tuple(node.output_type["output"]) for name, node in nodes.items()}
    assert types == {"input": (2, 5, 6), "n0": (4, 5, 6), "n1": (4, 6, 5), "n2": (4, 30), "output": (4, 30)}


def without_reset(file):
    del file["node/nodes/n1_lif/v_reset"]


@pytest.mark.parametrize("version", ["0.2", "1.0.4", "1.0.5", "1.0.6", "1.0.7", "1.0.8", "1.0.5.dev3+g12ab"])
def test_files_of_older_versions(tmp_path, version):
    """Before 1.0.6 there was no potential after a reset."""

    def older(file):
        without_reset(file)
        file["version"][()] = version

    found = read_nir(written(tmp_path / "a.nir", change=older))
    assert not found.nodes["n1_lif"].v_reset.any()
    assert found.nodes["n1_lif"].v_reset.shape == (2, 4, 4)


def replace(path, value, **options):
    def change(file):
        del file[path]
        file.create_dataset(path, data=value, **options)

    return change


WEIGHT = "node/nodes/n0_conv/weight"
KERNEL = np.arange(18, dtype=np.float32).reshape(2, 1, 3, 3)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "gzip"},
        {"compression": "gzip", "shuffle": True, "chunks": (1, 1, 2, 2)},
        {"chunks": (2, 1, 3, 2), "shuffle": True},
        {"chunks": (2, 1, 4, 4), "maxshape": (None,) * 4, "compression": 9},
        {"dtype": ">f4"},
        {"dtype": "f8"},
        {"dtype": "f2"},
        {"dtype": "i1"},
        {"dtype": ">u2", "compression": "gzip"},
    ],
)
def test_ways_to_store_an_array(tmp_path, options):
    path = written(tmp_path / "a.nir", change=replace(WEIGHT, KERNEL, **options))
    weight = read_nir(path).nodes["n0_conv"].weight
    assert np.array_equal(weight, KERNEL)
    assert weight.dtype == np.dtype(options.get("dtype", "f4")).newbyteorder("=")
    assert weight.flags.writeable


@pytest.mark.parametrize("chunks", [None, (1, 2, 4)])
def test_what_is_not_stored_is_the_fill_value(tmp_path, chunks):
    def change(file):
        del file["node/nodes/n1_lif/v_threshold"]
        group = file["node/nodes/n1_lif"]
        array = group.create_dataset("v_threshold", (2, 4, 4), "f4", chunks=chunks, fillvalue=0.75)
        if chunks:
            array[1, 0, 0] = 2

    threshold = read_nir(written(tmp_path / "a.nir", change=change)).nodes["n1_lif"].v_threshold
    expected = full((2, 4, 4), 0.75)
    expected[1, 0, 0] = 2 if chunks else 0.75
    assert np.array_equal(threshold, expected)


def test_a_compact_array_and_texts_of_fixed_length(tmp_path):
    def change(file):
        group = file["node/nodes/n4_affine"]
        del group["bias"], group["type"], file["node/edges"]
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple((3,))
        h5py.h5d.create(group.id, b"bias", h5py.h5t.IEEE_F32LE, space, plist).write(space, space, full(3, 7))
        group["type"] = np.bytes_("Affine")
        file["node/edges"] = np.array(small_network().edges, "S10")

    found = read_nir(written(tmp_path / "a.nir", change=change))
    assert found.nodes["n4_affine"].bias.tolist() == [7, 7, 7]
    assert found.edges == small_network().edges


def test_groups_with_many_members(tmp_path):
    """Enough for the tree of a group to have several levels."""
    told = {f"key {i:03}": f"{i}" for i in range(300)} | {"text": "x" * 300_000}
    assert read_nir(written(tmp_path / "a.nir", small_network(**told))).metadata == told


def soft(file):
    del file[WEIGHT]
    file[WEIGHT] = h5py.SoftLink("/node/nodes/n4_affine/weight")


def soft_loop(file):
    file["node/nodes/again"] = h5py.SoftLink("/node")


def outside(file):
    del file["node/nodes/n4_affine"]
    file["node/nodes/n4_affine"] = h5py.ExternalLink("other.nir", "/node/nodes/n4_affine")


def outside_among_many(file):
    for i in range(40):
        file[f"node/metadata/{i}"] = 1.0
    file["node/metadata/x"] = h5py.ExternalLink("other.nir", "/node")


def virtual(file):
    layout = h5py.VirtualLayout((2, 1, 3, 3), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (2, 1, 3, 3))
    del file[WEIGHT]
    file.create_virtual_dataset(WEIGHT, layout)


def endless_metadata(file):
    group = file.create_group("node/metadata")
    group["again"] = group


def arrays_in_an_array(file):
    del file[WEIGHT]
    file.create_dataset(WEIGHT, (2,), h5py.vlen_dtype(np.uint8))[0] = [1, 2]


def nothing_at(path):
    def change(file):
        del file[path]

    return change


def nested(file):
    file.copy("node", file["node/nodes"], "inner")


def dead_end(file):
    file.copy("node/nodes/n1_lif", file["node/nodes"], "x")
    many_edges([*EDGES, ("n1_lif", "x")])(file)


def many_edges(edges):
    return replace("node/edges", np.array(edges, dtype=object), dtype=h5py.string_dtype())


EDGES = small_network().edges
HOSTILE = {
    "soft link": (soft, "soft link"),
    "soft loop": (soft_loop, "soft link"),
    "link into another file": (outside, "link into another file|newer layout"),
    "one such link among many": (outside_among_many, "link into another file|newer layout"),
    "external storage": (replace(WEIGHT, KERNEL, external=[("passwd", 0, 72)]), "stored in another file"),
    "virtual": (virtual, "made of other arrays|newer layout"),
    "endless metadata": (endless_metadata, "deeper than 4"),
    "no version": (nothing_at("version"), "no 'version'"),
    "odd version": (replace("version", "new"), "version 'new'"),
    "later version": (replace("version", "2.0.0"), "newer than 1.x"),
    "version a number": (replace("version", 1.0), "'version' is no text"),
    "no graph": (nothing_at("node"), "no 'node'"),
    "no nodes": (nothing_at("node/nodes"), "no 'nodes'"),
    "no type": (nothing_at("node/nodes/n1_lif/type"), "'n1_lif'.*no 'type'"),
    "unknown type": (replace("node/nodes/n1_lif/type", "Liff"), "'n1_lif'.*unknown type of node 'Liff'"),
    "type with lines": (replace("node/nodes/n1_lif/type", "a\nb"), r"a\\nb"),
    "one-dimensional": (replace("node/nodes/n1_lif/type", "Conv1d"), "unknown type of node 'Conv1d'"),
    "nested": (nested, "'inner'.*a graph inside the graph"),
    "missing field": (nothing_at("node/nodes/n1_lif/tau"), "'n1_lif'.*'tau' is missing"),
    "half precision pair": (replace(WEIGHT, KERNEL.astype(complex)), "neither numbers"),
    "long double": (replace(WEIGHT, KERNEL.astype(np.longdouble)), "neither numbers"),
    "text for numbers": (replace(WEIGHT, "x"), "'n0_conv'.*numbers are needed"),
    "texts for numbers": (replace(WEIGHT, np.array([b"x", b"y"])), "list of texts"),
    "arrays in an array": (arrays_in_an_array, "neither numbers"),
    "references": (lambda file: replace(WEIGHT, [file.ref], dtype=h5py.ref_dtype)(file), "neither numbers"),
    "not a number": (replace(WEIGHT, KERNEL * np.nan), "'n0_conv'.*not finite"),
    "infinite": (replace("node/nodes/n4_affine/bias", [1.0, np.inf, 0.0]), "'n4_affine'.*'bias'.*not finite"),
    "lzf": (replace(WEIGHT, KERNEL, compression="lzf"), "filter lzf"),
    "empty": (replace(WEIGHT, h5py.Empty("f4")), "no shape|empty"),
    "no weights": (replace(WEIGHT, KERNEL[:0]), "empty"),
    "weights of another rank": (replace(WEIGHT, KERNEL[0]), r"'weight' is \[1, 3, 3\]"),
    "bias of another size": (replace("node/nodes/n0_conv/bias", full(3)), r"'bias' is \[3\] for 2"),
    "neurons of another shape": (replace("node/nodes/n1_lif/r", full((2, 4))), r"'n1_lif'.*\[2, 4\]"),
    "scalar neurons": (replace("node/nodes/n1_lif/tau", np.float32(1)), "'n1_lif'"),
    "tau 0": (replace("node/nodes/n1_lif/tau", full((2, 4, 4), 0)), "'tau' must be positive"),
    "stride 0": (replace("node/nodes/n0_conv/stride", [0, 1]), "'stride' must be 1 to"),
    "stride a fraction": (replace("node/nodes/n0_conv/stride", [1.5, 1.0]), "'stride' must be one integer"),
    "odd padding": (replace("node/nodes/n0_conv/padding", "some"), "'padding' is 'some'"),
    "huge padding": (replace("node/nodes/n0_conv/padding", [60000, 60000]), "at most .* numbers"),
    "groups": (replace("node/nodes/n0_conv/groups", 3), r"'weight' is \[2, 1, 3, 3\]"),
    "axes": (replace("node/nodes/n3_flatten/end_dim", 5), "'n3_flatten'.*flattens axes 0 to 5"),
    "types that do not meet": (
        replace("node/nodes/n4_affine/weight", full((3, 9))),
        r"takes \[9\], but is given \[8\]",
    ),
    "large window": (replace("node/nodes/n2_pool/kernel_size", [5, 5]), "window larger"),
    "edge twice": (many_edges([*EDGES, EDGES[0]]), "there twice"),
    "edge to nowhere": (many_edges([*EDGES, ("n1_lif", "x")]), "'n1_lif' -> 'x'.*no node"),
    "edge into the input": (many_edges([*EDGES, ("n1_lif", "input")]), "enters the input"),
    "edge out of the output": (many_edges([*EDGES, ("output", "n1_lif")]), "leaves the output"),
    "edges in threes": (many_edges([("a", "b", "c")]), "pairs of names"),
    "edges in numbers": (replace("node/edges", np.zeros((6, 2))), "texts"),
    "no edges": (replace("node/edges", np.zeros((0, 2))), "empty"),
    "dead end": (dead_end, "'x' has no way to the output"),
    "open end": (many_edges(EDGES[:-1]), "'output' hears nothing of the input"),
    "loop without a state": (many_edges([*EDGES, ("n0_conv", "n0_conv")]), "loop without a neuron"),
    "edges not in UTF-8": (many_edges([(b"\xff", b"\xfe")]), "not UTF-8"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_in_one_line(tmp_path, monkeypatch, case):
    # Storage outside of the file is made in the current folder.
    monkeypatch.chdir(tmp_path)
    change, message = HOSTILE[case]
    path = written(tmp_path / "a.nir", change=change)
    with pytest.raises(InputError, match=message) as caught:
        read_nir(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600 + len(str(path))


def test_unknown_fields_are_refused(tmp_path):
    def change(file):
        file["node/nodes/n1_lif/taw"] = 1.0

    with pytest.raises(InputError, match=r"'n1_lif'.*unknown field 'taw'; did you mean 'tau'"):
        read_nir(written(tmp_path / "a.nir", change=change))


@pytest.mark.parametrize("end", [nir.Input, nir.Output])
def test_two_ends_are_refused(tmp_path, end):
    network = small_network()
    network.nodes["other"] = end(np.array([3]))
    network.edges += [("other", "n4_affine")] if end is nir.Input else [("n4_affine", "other")]
    with pytest.raises(InputError, match=f"2 nodes of type {end.__name__} .*'other'.*networks with one are read"):
        read_nir(written(tmp_path / "a.nir", network))


def test_names_of_the_ends_are_free(tmp_path):
    network = chain((3,), nir.Scale(full(3)))
    names = {"input": "zin", "n0": "middle", "output": "a out"}
    nodes = {names[name]: node for name, node in network.nodes.items()}
    renamed = graph(nodes, ("zin", "middle"), ("middle", "a out"))
    assert list(read_nir(written(tmp_path / "a.nir", renamed)).nodes) == ["a out", "middle", "zin"]


def test_a_small_file_that_expands_is_refused_before_it_is_read(tmp_path):
    def change(file):
        del file[WEIGHT]
        file.create_dataset(WEIGHT, (2, 1, 10_000, 10_000), "f4", chunks=(1, 1, 1000, 1000), compression="gzip")
        file[WEIGHT][:, :, :1000, :1000] = 0

    path = written(tmp_path / "a.nir", change=change)
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    with pytest.raises(InputError, match=r"800,.* bytes; at most"):
        read_nir(path)
    assert tracemalloc.get_traced_memory()[1] < 10 << 20
    tracemalloc.stop()
    with pytest.raises(InputError, match="at most 100 are read"):
        read_nir(path, largest=100)


def test_a_chunk_that_inflates_beyond_its_size_is_refused(tmp_path):
    def change(file):
        del file[WEIGHT]
        array = file.create_dataset(WEIGHT, (2, 1, 3, 3), "f4", chunks=(2, 1, 3, 3), compression="gzip")
        array.id.write_direct_chunk((0, 0, 0, 0), zlib.compress(bytes(5 << 20)))

    path = written(tmp_path / "a.nir", change=change)
    with pytest.raises(InputError, match=r"'n0_conv'.*does not hold the 72 bytes"):
        read_nir(path)


def test_chunks_larger_than_their_array_are_charged(tmp_path):
    with pytest.raises(InputError, match=r"2,147.*at most"):
        read_nir(written(tmp_path / "a.nir", change=huge_chunk))


def huge_chunk(file):
    del file[WEIGHT]
    shape = (2, 1, 3, 3)
    file.create_dataset(WEIGHT, shape, "f4", chunks=(1, 1, 1 << 14, 1 << 14), maxshape=(None,) * 4, compression="gzip")


def test_one_long_text_may_not_be_repeated_without_end(tmp_path):
    """Entries of a list of texts may all refer to the same text in the file."""
    path = written(tmp_path / "a.nir", change=many_edges([("x" * 40_000, "y"), *[("a", "b")] * 1_000]))
    with h5py.File(path) as file:
        start = file["node/edges"].id.get_offset()
    raw = bytearray(path.read_bytes())
    raw[start : start + 1_000 * 16] = raw[start : start + 16] * 1_000
    path.write_bytes(raw)
    with pytest.raises(InputError, match=r"/node/edges: with it the arrays have .* bytes; at most"):
        read_nir(path, largest=16 << 20)


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n", b"no file of HDF5" * 20])
def test_other_files(tmp_path, content):
    path = tmp_path / "a.nir"
    path.write_bytes(content)
    with pytest.raises(InputError, match="does not begin as HDF5 files do"):
        read_nir(path)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*No such file"):
        read_nir(tmp_path / "none.nir")
    with pytest.raises(InputError, match="is not a file"):
        read_nir(tmp_path)


def test_the_newer_layout_is_named(tmp_path):
    with h5py.File(tmp_path / "a.nir", "w", libver="latest") as file:
        file["version"] = "1.0.8"
    with pytest.raises(InputError, match="newer layout of HDF5; write it with the default"):
        read_nir(tmp_path / "a.nir")


def test_too_many_nodes(tmp_path, monkeypatch):
    monkeypatch.setattr("export.nir_read.MOST_NODES", 6)
    with pytest.raises(InputError, match="has 7 nodes; at most 6"):
        read_nir(written(tmp_path / "a.nir"))


def assert_read_or_refused(path):
    try:
        refused = None if isinstance(read_nir(path), nir.NIRGraph) else ""
    except InputError as error:
        refused = str(error)
    assert refused is None or (refused.startswith(str(path)) and "\n" not in refused)


BYTES = {}


def valid_bytes(tmp_path_factory):
    """A file with chunks, compression, texts, and groups in groups; made once."""
    if not BYTES:
        path = tmp_path_factory.mktemp("fuzz") / "a.nir"
        written(path, small_network(msenas="{}"), replace(WEIGHT, KERNEL, chunks=(1, 1, 2, 3), compression="gzip"))
        BYTES["valid"] = path.read_bytes()
    return BYTES["valid"]


MUTATIONS = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.one_of(
            st.integers(0, 255).map(lambda n: bytes([n])), st.integers(0, 2**64 - 1).map(lambda n: struct.pack("<Q", n))
        ),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=100, deadline=5_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutations=MUTATIONS, cut=st.one_of(st.none(), st.floats(0, 1)))
def test_damaged_files_are_read_or_refused(tmp_path, tmp_path_factory, mutations, cut):
    raw = bytearray(valid_bytes(tmp_path_factory))
    used = len(raw)
    for place, value in mutations:
        at = int(place * used)
        raw[at : at + len(value)] = value
    path = tmp_path / "a.nir"
    path.write_bytes(raw if cut is None else raw[: int(cut * used)])
    assert_read_or_refused(path)


VALUES = st.one_of(
    st.integers(-2, 5),
    st.floats(width=32),
    st.sampled_from(["", "same", "valid", "x"]),
    st.lists(st.integers(-1, 4), max_size=4).map(lambda v: np.array(v, np.int64)),
    st.tuples(*[st.integers(1, 3)] * 4).map(full),
    st.tuples(*[st.integers(1, 3)] * 2).map(full),
    st.integers(1, 3).map(full),
)
FIELDS = (
    "weight",
    "bias",
    "stride",
    "padding",
    "tau",
    "r",
    "v_leak",
    "v_threshold",
    "shape",
    "kernel_size",
    "start_dim",
)
KINDS = ("Input", "Output", "Conv2d", "LIF", "IF", "SumPool2d", "Flatten", "Affine", "Delay", "NIRGraph", "Scale", "?")


@settings(max_examples=40, deadline=5_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    nodes=st.lists(st.tuples(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(FIELDS), VALUES)), max_size=5),
    edges=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8),
)
def test_random_structures_are_read_or_refused(tmp_path, nodes, edges):
    path = tmp_path / "a.nir"
    with h5py.File(path, "w") as file:
        file["version"] = "1.0.8"
        file["node/type"] = "NIRGraph"
        file.create_group("node/nodes")
        for number, (kind, fields) in enumerate(nodes):
            file[f"node/nodes/n{number}/type"] = kind
            for name, value in fields.items():
                file[f"node/nodes/n{number}/{name}"] = value
        file["node/edges"] = [(f"n{a}", f"n{b}") for a, b in edges] or np.zeros((0, 2))
    assert_read_or_refused(path)


def test_every_cut_of_a_file_is_refused(tmp_path, tmp_path_factory):
    raw = valid_bytes(tmp_path_factory)
    path = tmp_path / "a.nir"
    for size in itertools.chain(range(0, 200, 10), range(200, len(raw) - 400, len(raw) // 40)):
        path.write_bytes(raw[:size])
        with pytest.raises(InputError):
            read_nir(path)


def test_loops_with_neurons_are_read(tmp_path):
    assert_same(read_nir(written(tmp_path / "a.nir", loop())), loop())
