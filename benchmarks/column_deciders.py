"""Other ways to decide many complete cases at once: column engines, over one column for each fact.

A boolean is a column of booleans, a number one of integers (or of floats, if it has decimals), a
choice one of dictionary-encoded strings, and a set a boolean column for each member that the policy
asks for, named `fact.member`. Each way is prepared once from the formula of a policy version and a
table, which it takes over in the form it works on best; a call decides all cases and returns a
column of codes.

The packages are imported here and nowhere else, and left out if they are not installed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from formula import CaseFacts, Formula, Gate, TextWriter, Writer, imported, labelled

from engine.circuit import Source
from facts.vocabulary import Kind

_PACKAGES = {package: imported(package) for package in ("numpy", "pyarrow", "polars", "duckdb")}
_NUMPY, _ARROW, _POLARS, _DUCKDB = _PACKAGES.values()
MISSING = [package for package, module in _PACKAGES.items() if module is None]
"""The packages of peers that are not installed."""

CODES = {"approve": 0, "refer": 1, "deny": 2, "pend": 3}
"""What stands for the outcomes in a column."""
Columns: TypeAlias = Callable[[], Any]
"""Decide all cases of a table; return a column of codes."""
BLOCK = 1 << 15
"""Rows that numpy takes at a time, so that what it makes of them stays in the cache."""
DRAWN = 1 << 17
"""Rows drawn at a time."""
CONTRADICTORY = 0.01
"""The share of contradictory cases that is kept of those drawn."""
MEMBERS = 8
"""How many of 256 patients have a member in a set."""


def available(formula: Formula, table: Any) -> dict[str, Columns]:
    """Prepare every way that there is for a table of pyarrow."""
    ways: dict[str, Columns] = {}
    if _POLARS:
        frame = polars_frame(table)
        ways[labelled("polars", "layers")] = polars_layers(formula, frame)
        ways[labelled("polars", "one expression")] = polars_expression(formula, frame)
    if _DUCKDB:
        ways[labelled("duckdb", "SQL on Arrow")] = duckdb_sql(formula, table, stored=False)
        ways[labelled("duckdb", "SQL on its table")] = duckdb_sql(formula, table, stored=True)
    ways[labelled("numpy", "booleans")] = numpy_booleans(formula, table)
    ways[labelled("numpy", "packed bits")] = numpy_bits(formula, table)
    return ways


def as_bytes(codes: Any) -> bytes:
    """Return a column of codes, of whatever engine, with a byte for each case."""
    return _NUMPY.asarray(codes).astype("uint8").tobytes()  # type: ignore[no-any-return]


# --- Tables ---------------------------------------------------------------------------------


def columns(formula: Formula) -> list[str]:
    """Return the names of the columns of a table, in order."""
    return [str(formula.domains[place].unit) for each in formula.places.values() for place in each]


def random_table(formula: Formula, rows: int, seed: int) -> Any:
    """Draw complete cases, each value by itself, of which few contradict themselves."""
    draw = _NUMPY.random.default_rng(seed)
    blocks: list[dict[str, Any]] = []
    drawn = 0
    while drawn < rows:
        block = {
            name: values
            for fact in formula.asked
            for name, values in _drawn(formula, fact, draw).items()
        }
        kept = ~_Booleans(formula, block).write(formula.impossible)
        kept |= draw.random(DRAWN) < CONTRADICTORY
        blocks.append({name: values[kept] for name, values in block.items()})
        drawn += int(kept.sum())
    whole = {
        name: _NUMPY.concatenate([block[name] for block in blocks])[:rows]
        for name in columns(formula)
    }
    return _table(formula, whole)


def _drawn(formula: Formula, fact: str, draw: Any) -> dict[str, Any]:
    """Draw the columns of a fact; a choice as places among its values, a number near what matters."""
    asked = formula.asked[fact]
    if asked.kind is Kind.SET:
        return {
            f"{fact}.{member}": draw.integers(0, 256, DRAWN, "uint8") < MEMBERS
            for member in formula.members(fact)
        }
    if asked.kind is Kind.BOOLEAN:
        return {fact: draw.integers(0, 2, DRAWN, "uint8") == 1}
    if asked.kind is Kind.CHOICE:
        return {fact: draw.integers(0, len(formula.choices(fact)), DRAWN, "int8")}
    highest = min(asked.highest, 2 * round(formula.cuts(fact)[-1] * 10**asked.decimals))
    steps = draw.integers(asked.lowest, highest + 1, DRAWN)
    return {fact: steps / 10**asked.decimals if asked.decimals else steps}


def _table(formula: Formula, whole: Mapping[str, Any]) -> Any:
    """Make a table of drawn columns."""
    arrays = dict(whole)
    for name, fact in formula.asked.items():
        if fact.kind is Kind.CHOICE:
            names = _ARROW.array(formula.choices(name))
            arrays[name] = _ARROW.DictionaryArray.from_arrays(_ARROW.array(whole[name]), names)
    return _ARROW.table(arrays)


def table_of(formula: Formula, cases: Sequence[CaseFacts]) -> Any:
    """Make a table of complete cases in the JSON form."""
    whole: dict[str, Any] = {}
    for name, fact in formula.asked.items():
        values = [case[name] for case in cases]
        if fact.kind is Kind.SET:
            for member in formula.members(name):
                whole[f"{name}.{member}"] = _NUMPY.array([member in value for value in values])
        elif fact.kind is Kind.CHOICE:
            whole[name] = _NUMPY.array([*map(formula.choices(name).index, values)], "int8")
        elif fact.decimals:
            whole[name] = _NUMPY.array(values, "float64")
        else:
            whole[name] = _NUMPY.array(values)
    return _table(formula, whole)


# --- polars ---------------------------------------------------------------------------------


class _Polars(Writer[Any]):
    """Expressions of polars."""

    def truth(self, fact: str) -> Any:
        return _POLARS.col(fact)

    def member(self, fact: str, name: str) -> Any:
        return _POLARS.col(f"{fact}.{name}")

    def choice(self, fact: str, names: Sequence[str]) -> Any:
        if len(names) == 1:
            return _POLARS.col(fact) == names[0]
        return _POLARS.col(fact).is_in(list(names))

    def at_least(self, fact: str, number: float) -> Any:
        return _POLARS.col(fact) >= number

    def constant(self, *, holds: bool) -> Any:
        return _POLARS.lit(holds)

    def negation(self, operand: Any) -> Any:
        return ~operand

    def conjunction(self, operands: Sequence[Any]) -> Any:
        return _POLARS.all_horizontal(operands)

    def disjunction(self, operands: Sequence[Any]) -> Any:
        return _POLARS.any_horizontal(operands)

    def codes(self) -> Any:
        """Write the code of a case."""
        codes = _POLARS.lit(CODES[self.formula.last], _POLARS.UInt8)
        for literal, word in reversed(self.formula.chain):
            code = _POLARS.lit(CODES[word], _POLARS.UInt8)
            codes = _POLARS.when(self.write(literal)).then(code).otherwise(codes)
        return codes.alias("code")


def polars_frame(table: Any) -> Any:
    """Take a table over; a choice is an enumeration."""
    frame = _POLARS.from_arrow(table)
    enumerations = [
        _POLARS.col(name).cast(_POLARS.Enum(table[name].chunk(0).dictionary.to_pylist()))
        for name in table.column_names
        if _ARROW.types.is_dictionary(table[name].type)
    ]
    return frame.with_columns(enumerations).rechunk()


def polars_expression(formula: Formula, frame: Any) -> Columns:
    """Write one expression, and leave it to polars to find what is shared in it."""
    query = frame.lazy().select(_Polars(formula).codes())
    return lambda: query.collect()["code"]


def polars_layers(formula: Formula, frame: Any) -> Columns:
    """Add columns for the shared gates, layer by layer."""
    writer, query = _Polars(formula), frame.lazy()
    for layer in _layers(formula):
        query = query.with_columns([writer.node(number).alias(f"g{number}") for number in layer])
        writer.names |= {number: _POLARS.col(f"g{number}") for number in layer}
    query = query.select(writer.codes())
    return lambda: query.collect()["code"]


def _layers(formula: Formula) -> list[list[int]]:
    """Sort the shared gates into layers, each made of what comes in layers before it."""
    depths: dict[int, int] = {}
    layers: list[list[int]] = []
    for number in formula.cone(formula.roots):
        node = formula.nodes[number]
        if isinstance(node, Gate):
            depths[number] = max(depths.get(abs(literal), 0) for literal in node.literals)
            if number in formula.shared:
                depths[number] += 1
                layers += [[]] * (depths[number] - len(layers))
                layers[depths[number] - 1] = [*layers[depths[number] - 1], number]
    return layers


# --- duckdb ---------------------------------------------------------------------------------


class _Sql(TextWriter):
    """SQL, over the columns of a table."""

    both, either, no = " AND ", " OR ", "NOT "

    def truth(self, fact: str) -> str:
        return f'"{fact}"'

    def member(self, fact: str, name: str) -> str:
        return f'"{fact}.{name}"'

    def choice(self, fact: str, names: Sequence[str]) -> str:
        if len(names) == 1:
            return f"(\"{fact}\" = '{names[0]}')"
        listed = ", ".join(f"'{name}'" for name in names)
        return f'("{fact}" IN ({listed}))'

    def at_least(self, fact: str, number: float) -> str:
        return f'("{fact}" >= {number})'


def duckdb_sql(formula: Formula, table: Any, *, stored: bool) -> Columns:
    """Write nested queries, one for each layer of shared gates; a stored choice is an enumeration."""
    connection = _DUCKDB.connect()
    connection.register("arrow_cases", table)
    source = "arrow_cases"
    if stored:
        enumerated = ", ".join(
            f'CAST("{name}" AS ENUM{formula.choices(name)}) AS "{name}"'
            for name, fact in formula.asked.items()
            if fact.kind is Kind.CHOICE
        )
        query = f"SELECT * REPLACE ({enumerated}) FROM arrow_cases"  # noqa: S608  (our own text)
        connection.execute(f"CREATE TABLE cases AS {query}")
        source = "cases"
    writer = _Sql(formula)
    for layer in _layers(formula):
        added = ", ".join(f"{writer.node(number)} AS g{number}" for number in layer)
        source = f"(SELECT *, {added} FROM {source})"  # noqa: S608  (likewise)
        writer.names |= {number: f"g{number}" for number in layer}
    cases = " ".join(
        f"WHEN {writer.write(literal)} THEN {CODES[word]}" for literal, word in formula.chain
    )
    query = f"SELECT (CASE {cases} ELSE {CODES[formula.last]} END)::UTINYINT AS code FROM {source}"  # noqa: S608  (likewise)
    return lambda: connection.execute(query).fetchnumpy()["code"]


# --- numpy ----------------------------------------------------------------------------------


class _Booleans(Writer[Any]):
    """Arrays of booleans: what is written is computed; choices are places among their values."""

    def __init__(self, formula: Formula, arrays: Mapping[str, Any]) -> None:
        super().__init__(formula)
        self._arrays = arrays

    def truth(self, fact: str) -> Any:
        return self._arrays[fact]

    def member(self, fact: str, name: str) -> Any:
        return self._arrays[f"{fact}.{name}"]

    def choice(self, fact: str, names: Sequence[str]) -> Any:
        places = self.formula.choices(fact)
        found = self._arrays[fact] == places.index(names[0])
        for name in names[1:]:
            found |= self._arrays[fact] == places.index(name)
        return found

    def at_least(self, fact: str, number: float) -> Any:
        return self._arrays[fact] >= number

    def constant(self, *, holds: bool) -> Any:
        return _NUMPY.full(len(next(iter(self._arrays.values()))), holds)

    def negation(self, operand: Any) -> Any:
        return ~operand

    def conjunction(self, operands: Sequence[Any]) -> Any:
        found = operands[0] & operands[1]
        for operand in operands[2:]:
            found &= operand
        return found

    def disjunction(self, operands: Sequence[Any]) -> Any:
        found = operands[0] | operands[1]
        for operand in operands[2:]:
            found |= operand
        return found

    def decided(self) -> list[Any]:
        """Return an array for each outcome that is asked for, in turn."""
        for number in self.formula.cone(self.formula.roots):
            if isinstance(self.formula.nodes[number], Source):
                self.names[number] = self.node(number)
        self.share(self.formula.roots, lambda _, found: found)
        return [self.write(literal) for literal, _ in self.formula.chain]


class _Bits(_Booleans):
    """The same in arrays of bytes with eight cases each; only choices and numbers are packed on the way."""

    def choice(self, fact: str, names: Sequence[str]) -> Any:
        return _NUMPY.packbits(super().choice(fact, names), bitorder="little")

    def at_least(self, fact: str, number: float) -> Any:
        return _NUMPY.packbits(super().at_least(fact, number), bitorder="little")


def _arrays(formula: Formula, table: Any) -> dict[str, Any]:
    """Take a table over: an array for each column, of a choice the places among its values."""
    arrays: dict[str, Any] = {}
    for name in columns(formula):
        column = table[name].combine_chunks()
        indices = column.indices if _ARROW.types.is_dictionary(column.type) else column
        arrays[name] = indices.to_numpy(zero_copy_only=False)
    return arrays


def _coded(formula: Formula, asked: Sequence[Any], codes: Any) -> None:
    """Fill in the codes: of the arrays of booleans that hold, the first counts."""
    codes.fill(CODES[formula.last])
    for found, (_, word) in reversed([*zip(asked, formula.chain, strict=True)]):
        _NUMPY.copyto(codes, CODES[word], where=found)


def numpy_booleans(formula: Formula, table: Any) -> Columns:
    """Compute with arrays of booleans, block by block."""
    arrays, rows = _arrays(formula, table), table.num_rows

    def decide() -> Any:
        codes = _NUMPY.empty(rows, "uint8")
        for start in range(0, rows, BLOCK):
            part = slice(start, start + BLOCK)
            block = {name: values[part] for name, values in arrays.items()}
            _coded(formula, _Booleans(formula, block).decided(), codes[part])
        return codes

    return decide


def numpy_bits(formula: Formula, table: Any) -> Columns:
    """Compute with eight cases a byte, as Arrow has its booleans."""
    rows = table.num_rows
    arrays = {
        name: _NUMPY.packbits(values, bitorder="little") if values.dtype == bool else values
        for name, values in _arrays(formula, table).items()
    }

    def decide() -> Any:
        codes = _NUMPY.empty(rows, "uint8")
        asked = [
            _NUMPY.unpackbits(found, count=rows, bitorder="little").view(bool)
            for found in _Bits(formula, arrays).decided()
        ]
        _coded(formula, asked, codes)
        return codes

    return decide
