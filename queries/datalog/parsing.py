"""Parsing: from the text of a query to its syntax, by the grammar in docs/query-language.md."""

from decimal import Decimal

from engine.datalog import Function, Operator
from facts.errors import QueryError, QueryProblem, did_you_mean
from queries.datalog.syntax import (
    Given,
    Named,
    Parameter,
    Place,
    Source,
    Written,
    WrittenAggregate,
    WrittenAtom,
    WrittenComparison,
    WrittenLiteral,
    WrittenOrder,
    WrittenQuery,
    WrittenRule,
)
from queries.datalog.tokens import MOST_PROBLEMS, Kind, Token, tokens_of

MOST_LITERALS = 200
"""Atoms, comparisons and aggregates of one text."""
MOST_TERMS = 30
"""Terms of an atom, or variables of an aggregate."""
MOST_ROWS = 1_000_000_000
"""The largest limit that can be written."""

_OPERATORS = {operator.value for operator in Operator}
_FUNCTIONS = {function.value for function in Function}


class _RefusedError(Exception):
    """What is wrong at a place, which ends the parsing of a statement."""

    def __init__(self, place: Place, message: str) -> None:
        self.place = place
        self.message = message


def parse_query(source: Source) -> WrittenQuery:
    """Read rules and a query. Raises QueryError with the first problem of each statement."""
    return _Parser(source).query()


def parse_rules(source: Source) -> tuple[WrittenRule, ...]:
    """Read rules, and no query. Raises QueryError with the first problem of each rule."""
    return _Parser(source).rules_alone()


class _Parser:
    """A parser of one text: what is left of its tokens."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._tokens = tokens_of(source)
        self._position = 0
        self._literals = 0
        self._problems: list[QueryProblem] = []

    def query(self) -> WrittenQuery:
        rules: list[WrittenRule] = []
        order: tuple[WrittenOrder, ...] = ()
        limit: int | None = None
        while not rules or self._now.kind is not Kind.END:
            try:
                if rules and (rules[-1].relation is None or order or limit is not None):
                    raise self._refuse("the query ends here; rules stand before what is asked")
                rule = self._statement(question=True)
                order, limit = self._order(), self._limit()
                self._end(("sort by", "limit"))
                rules.append(rule)
            except _RefusedError as refused:
                self._skip(refused)
                if self._now.kind is Kind.END:
                    break
        self._raise_problems()
        return WrittenQuery(tuple(rules), order, limit)

    def rules_alone(self) -> tuple[WrittenRule, ...]:
        rules: list[WrittenRule] = []
        while self._now.kind is not Kind.END:
            try:
                rules.append(self._statement(question=False))
                self._end(())
            except _RefusedError as refused:
                self._skip(refused)
        self._raise_problems()
        return tuple(rules)

    @property
    def _now(self) -> Token:
        return self._tokens[self._position]

    def _take(self) -> Token:
        token = self._now
        self._position += token.kind is not Kind.END
        return token

    def _at(self, sign: str) -> bool:
        return self._now.kind is Kind.SIGN and self._now.value == sign

    def _at_word(self, word: str) -> bool:
        return self._now.kind is Kind.WORD and self._now.value == word

    def _taken(self, sign: str) -> bool:
        """Take a sign if it is there."""
        at = self._at(sign)
        if at:
            self._take()
        return at

    def _refuse(self, message: str) -> _RefusedError:
        return _RefusedError(self._now.place, message)

    def _expected(self, what: str, hint: str = "") -> _RefusedError:
        found = "the end" if self._now.kind is Kind.END else _shown(self._source, self._now)
        return self._refuse(f"expected {what}, found {found}{hint}")

    def _skip(self, refused: _RefusedError) -> None:
        """Note a problem, and go on after the statement."""
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append(self._source.problem(refused.place, refused.message))
        while self._now.kind is not Kind.END and not self._taken("."):
            self._take()

    def _raise_problems(self) -> None:
        if self._problems:
            raise QueryError(self._problems)

    def _statement(self, *, question: bool) -> WrittenRule:
        """Read a rule or, where it may stand, a query without a head."""
        start = self._now.place
        if self._at("?-"):
            if not question:
                raise self._refuse("only rules stand here, and no query")
            self._take()
            return WrittenRule(None, (), self._body(), start, self._source)
        first = self._literal()
        if self._at(":-"):
            if not isinstance(first, WrittenAtom) or first.negated:
                raise _RefusedError(start, "the head of a rule is a relation with its variables")
            self._take()
            return WrittenRule(
                first.relation, _head(first), self._body(), first.place, self._source
            )
        if not question:
            raise self._expected(":- after the head of a rule")
        return WrittenRule(None, (), self._body(first), start, self._source)

    def _body(self, first: WrittenLiteral | None = None) -> tuple[WrittenLiteral, ...]:
        literals = [first or self._literal()]
        while self._taken(","):
            literals.append(self._literal())
        return tuple(literals)

    def _literal(self) -> WrittenLiteral:
        self._literals += 1
        if self._literals > MOST_LITERALS:
            raise self._refuse(f"more than {MOST_LITERALS} atoms, comparisons and aggregates")
        if self._at_word("not"):
            self._take()
            if self._now.kind is not Kind.WORD:
                raise self._expected("a relation after not")
            return self._atom(negated=True)
        if self._now.kind is not Kind.WORD or not self._next_is("("):
            return self._comparison()
        atom = self._atom(negated=False)
        if any(self._at(operator) for operator in _OPERATORS):
            raise self._refuse("an atom is not compared; an aggregate is named, as in N = count(R)")
        return atom

    def _next_is(self, sign: str) -> bool:
        token = self._tokens[min(self._position + 1, len(self._tokens) - 1)]
        return token.kind is Kind.SIGN and token.value == sign

    def _atom(self, *, negated: bool) -> WrittenAtom:
        name = self._take()
        if not self._taken("("):
            raise self._expected(f"( after {name.value}")
        terms = [self._term()]
        while self._taken(","):
            terms.append(self._term())
            if len(terms) > MOST_TERMS:
                raise self._refuse(f"more than {MOST_TERMS} terms")
        self._close()
        return WrittenAtom(name.value, tuple(terms), negated, name.place)

    def _close(self) -> None:
        if self._at("("):
            raise self._refuse(
                "terms are not nested: a term is a variable, a value, a parameter or _"
            )
        if not self._taken(")"):
            raise self._expected(", or )")

    def _term(self) -> Written:
        token = self._now
        match token.kind:
            case Kind.VARIABLE | Kind.ANYTHING:
                return Named(self._take().value, token.place)
            case Kind.WORD | Kind.TEXT:
                return Given(self._take().value, token.place)
            case Kind.NUMBER:
                return Given(Decimal(self._take().value), token.place)
            case Kind.PARAMETER:
                return Parameter(self._take().value, token.place)
            case _:
                raise self._expected("a variable, a value, a parameter or _")

    def _comparison(self) -> WrittenLiteral:
        if self._now.kind in (Kind.SIGN, Kind.END):
            raise self._expected("an atom or a comparison")
        left = self._term()
        sign = self._now
        if sign.kind is not Kind.SIGN or sign.value not in _OPERATORS:
            if isinstance(left, Given) and isinstance(left.value, str):
                raise self._expected(f"( with the terms of {left.value}, or a comparison")
            raise self._expected("a comparison (= != < <= > >=)")
        operator = Operator(self._take().value)
        if self._now.kind is Kind.WORD and self._next_is("("):
            return self._aggregate(left, operator)
        return WrittenComparison(left, operator, self._term(), sign.place)

    def _aggregate(self, result: Written, operator: Operator) -> WrittenAggregate:
        name = self._now
        if name.value not in _FUNCTIONS:
            listed = ", ".join(sorted(_FUNCTIONS))
            raise self._refuse(
                f"{name.value} is no aggregate{did_you_mean(name.value, _FUNCTIONS)} ({listed})"
            )
        if not isinstance(result, Named) or result.name == "_" or operator is not Operator.EQUAL:
            raise self._refuse("an aggregate names its result, as in N = count(R); compare N then")
        function = Function(self._take().value)
        self._take()
        over = [self._variable("a variable to aggregate")]
        separator = "," if function is Function.COUNT else "for"
        while self._separated(separator):
            over.append(self._variable("a variable"))
            separator = ","
            if len(over) > MOST_TERMS:
                raise self._refuse(f"more than {MOST_TERMS} variables")
        if function is Function.SUM and len(over) == 1:
            value = over[0].name
            raise self._refuse(
                "a sum says for what its values are added, as equal values count once: "
                f"sum({value} for R) adds {value} once for each R"
            )
        if function not in (Function.SUM, Function.COUNT) and (len(over) > 1 or self._at(",")):
            raise self._refuse(f"{function} takes one variable")
        self._close()
        return WrittenAggregate(result, function, tuple(over), name.place)

    def _separated(self, separator: str) -> bool:
        """Take what stands between the variables of an aggregate, if it is there."""
        at = self._at(separator) or self._at_word(separator)
        if at:
            self._take()
        return at

    def _variable(self, what: str) -> Named:
        if self._now.kind is not Kind.VARIABLE:
            raise self._expected(what)
        token = self._take()
        return Named(token.value, token.place)

    def _order(self) -> tuple[WrittenOrder, ...]:
        if not self._at_word("sort"):
            return ()
        self._take()
        if not self._at_word("by"):
            raise self._expected("by after sort")
        self._take()
        keys = [self._key()]
        while self._taken(","):
            keys.append(self._key())
        return tuple(keys)

    def _key(self) -> WrittenOrder:
        variable = self._variable("a variable to sort by")
        descending = self._at_word("desc")
        if descending or self._at_word("asc"):
            self._take()
        return WrittenOrder(variable, descending)

    def _limit(self) -> int | None:
        if not self._at_word("limit"):
            return None
        self._take()
        number = self._now
        if number.kind is not Kind.NUMBER or not number.value.isdigit():
            raise self._expected("a whole number from 1")
        if not 1 <= int(number.value) <= MOST_ROWS:
            raise self._refuse(f"a limit is a whole number from 1 to {MOST_ROWS:,}")
        return int(self._take().value)

    def _end(self, clauses: tuple[str, ...]) -> None:
        """Take the point after a statement, which the last one may lack."""
        if self._now.kind is not Kind.END and not self._taken("."):
            if clauses and self._now.kind is Kind.WORD and self._now.value in ("sort", "limit"):
                message = "sort by stands once, before limit, and limit once at the end"
                raise self._refuse(message)
            hint = ""
            if self._now.kind is Kind.WORD:
                hint = did_you_mean(self._now.value, ["sort", "limit"] if clauses else [])
            raise self._expected(" or ".join([",", ".", *clauses]), hint)


def _head(atom: WrittenAtom) -> tuple[Named, ...]:
    """Return the variables of a head: each stands once, and nothing else does."""
    names: set[str] = set()
    variables: list[Named] = []
    for term in atom.terms:
        if not isinstance(term, Named) or term.name == "_":
            message = "the head of a rule holds variables only; for a value, write K in it and K = value in the body"
            raise _RefusedError(term.place, message)
        if term.name in names:
            message = f"{term.name} stands twice in the head; write another variable, and compare the two in the body"
            raise _RefusedError(term.place, message)
        names.add(term.name)
        variables.append(term)
    return tuple(variables)


def _shown(source: Source, token: Token) -> str:
    text = source.text[token.place.start : token.place.end]
    return text if len(text) <= 40 else text[:37] + "..."
