//! The language of letter templates: markup, values, conditions, one kind of loop. A template is a Typst file of which only
//! a part is permitted, checked on its syntax tree before it is published and again before it is rendered.
//!
//! Why not all of Typst. Templates are data that offices write, and they are evaluated in the process of the service. A
//! deadline cannot stop a thread, and no limit of the language bounds memory. So what is permitted here cannot run away:
//! no functions of its own (no recursion), no `while`, no assignments, no multiplication of texts or arrays, loops only over a list
//! of the data, and what repeated use of bindings multiplies is counted ([`MOST_WORK`]).

use std::collections::{BTreeMap, BTreeSet};

use typst::syntax::{DiagSpanKind, LinkedNode, Source, SyntaxKind, SyntaxNode, ast};

use super::text;
use super::world::BASE_PATH;

/// The longest template, in bytes.
pub const LONGEST: usize = crate::domain::letter_type::MAX_TEMPLATE;
/// The most syntax nodes that an evaluation may visit, a loop counted as [`LOOP`] turns.
const MOST_WORK: u64 = 400_000;
/// How deep the syntax tree may be. Chains such as `a.b.c` nest too.
const DEEPEST: usize = 128;
/// The parser does not bound how deep chains nest, and even dropping such a tree recurses: this is ample for what
/// [`LONGEST`] bytes can nest, and only what is touched costs memory.
const STACK: usize = 256 * 1024 * 1024;
/// How many turns a loop is counted as.
const LOOP: u64 = 50;

/// Words of the base library that a template may use.
const BASE: [&str; 11] = [
    "letter",
    "data",
    "given",
    "tanggal",
    "rupiah",
    "facts",
    "flush",
    "listing",
    "annex",
    "highlight",
    "closing",
];
/// Functions of Typst that a template may call.
const TYPST: [&str; 21] = [
    "text",
    "strong",
    "emph",
    "underline",
    "upper",
    "lower",
    "smallcaps",
    "sub",
    "super",
    "align",
    "block",
    "box",
    "pad",
    "par",
    "enum",
    "list",
    "terms",
    "h",
    "v",
    "linebreak",
    "pagebreak",
];
/// Names that stand for values.
const VALUES: [&str; 9] = ["left", "right", "center", "start", "end", "top", "bottom", "horizon", "parbreak"];
/// Methods that a template may call on values.
const METHODS: [&str; 7] = ["at", "len", "join", "first", "last", "contains", "with"];

/// The fields of the letter type that a template names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Uses {
    /// Used without asking whether they are given: each must be a required field of the letter type.
    pub required: BTreeSet<String>,
    /// Asked for with `given("…")` first.
    pub optional: BTreeSet<String>,
}

/// Why a template is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is not Typst.
    #[error("line {line}: {message}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// Typst, but not in a letter.
    #[error("line {line}: {what} is not permitted in a letter template")]
    NotPermitted {
        /// The line, from 1.
        line: usize,
        /// The construct.
        what: String,
    },
    /// It does not import the base library and say `#show: letter`, each once and outside of everything else.
    #[error("a letter template begins with #import \"{BASE_PATH}\": * and #show: letter")]
    NoLetter,
    /// More than [`LONGEST`] bytes.
    #[error("longer than {LONGEST} bytes")]
    TooLong,
    /// Repeated use of bindings and loops would multiply into too much work.
    #[error("bindings and loops multiply into too much work")]
    TooMuchWork,
}

/// Whether this template may be published, and the fields it uses.
///
/// # Errors
/// [`TemplateError`] for the first thing that is refused.
pub fn check(template: &str) -> Result<Uses, TemplateError> {
    if template.len() > LONGEST {
        return Err(TemplateError::TooLong);
    }
    std::thread::scope(|scope| {
        let checking = std::thread::Builder::new()
            .name("letter-check".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, || check_here(template));
        checking.ok().and_then(|it| it.join().ok()).unwrap_or(Err(TemplateError::TooMuchWork))
    })
}

fn check_here(template: &str) -> Result<Uses, TemplateError> {
    let source = Source::detached(template);
    let (errors, _) = source.root().errors_and_warnings();
    if let Some(error) = errors.first() {
        let range = match error.span.get() {
            DiagSpanKind::Number { num, sub_range, .. } => source.range(num, sub_range),
            DiagSpanKind::Range { range, .. } => Some(range),
            DiagSpanKind::Detached => None,
        };
        let line = range.map_or(1, |range| line(&source, range.start));
        return Err(TemplateError::Syntax { line, message: error.message.to_string() });
    }
    let mut walk = Walk {
        source: &source,
        depth: 0,
        imports: 0,
        shows: 0,
        bindings: BTreeMap::new(),
        used: BTreeSet::new(),
        asked: BTreeSet::new(),
    };
    let work = walk.visit(&LinkedNode::new(source.root()), false)?;
    if work > MOST_WORK {
        return Err(TemplateError::TooMuchWork);
    }
    if (walk.imports, walk.shows) != (1, 1) {
        return Err(TemplateError::NoLetter);
    }
    let Walk { used, asked, .. } = walk;
    Ok(Uses { required: used.difference(&asked).cloned().collect(), optional: asked })
}

fn line(source: &Source, offset: usize) -> usize {
    source.lines().byte_to_line(offset).unwrap_or_default() + 1
}

struct Walk<'a> {
    source: &'a Source,
    depth: usize,
    imports: usize,
    shows: usize,
    /// The template's own bindings and the work that each use of one stands for.
    bindings: BTreeMap<String, u64>,
    used: BTreeSet<String>,
    asked: BTreeSet<String>,
}

impl Walk<'_> {
    fn refuse(&self, node: &LinkedNode<'_>, what: impl Into<String>) -> TemplateError {
        TemplateError::NotPermitted { line: line(self.source, node.offset()), what: what.into() }
    }

    fn children(&mut self, node: &LinkedNode<'_>, in_loop: bool) -> Result<u64, TemplateError> {
        let mut work = 1_u64;
        for child in node.children() {
            work = work.saturating_add(self.visit(&child, in_loop)?);
        }
        Ok(work)
    }

    /// Checks a node and what is beneath it. The work that its evaluation stands for.
    fn visit(&mut self, node: &LinkedNode<'_>, in_loop: bool) -> Result<u64, TemplateError> {
        if self.depth >= DEEPEST {
            return Err(TemplateError::TooMuchWork);
        }
        self.depth += 1;
        let work = self.visit_kind(node, in_loop);
        self.depth -= 1;
        work
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "what is not listed is refused, also what Typst adds")]
    fn visit_kind(&mut self, node: &LinkedNode<'_>, in_loop: bool) -> Result<u64, TemplateError> {
        match node.kind() {
            // Markup and code that only stand for themselves.
            SyntaxKind::Markup
            | SyntaxKind::Space
            | SyntaxKind::Linebreak
            | SyntaxKind::Parbreak
            | SyntaxKind::Shorthand
            | SyntaxKind::SmartQuote
            | SyntaxKind::Strong
            | SyntaxKind::Emph
            | SyntaxKind::ListItem
            | SyntaxKind::ListMarker
            | SyntaxKind::EnumItem
            | SyntaxKind::EnumMarker
            | SyntaxKind::TermItem
            | SyntaxKind::TermMarker
            | SyntaxKind::LineComment
            | SyntaxKind::BlockComment
            | SyntaxKind::Code
            | SyntaxKind::CodeBlock
            | SyntaxKind::ContentBlock
            | SyntaxKind::Parenthesized
            | SyntaxKind::Array
            | SyntaxKind::Dict
            | SyntaxKind::Keyed
            | SyntaxKind::Bool
            | SyntaxKind::None
            | SyntaxKind::Auto
            | SyntaxKind::Conditional
            | SyntaxKind::Args
            | SyntaxKind::End => self.children(node, in_loop),
            SyntaxKind::Text | SyntaxKind::Str | SyntaxKind::Escape => self.text(node),
            kind if kind.is_keyword() || is_punctuation(kind) => Ok(1),
            SyntaxKind::Int | SyntaxKind::Float | SyntaxKind::Numeric => self.number(node),
            SyntaxKind::Ident => self.name(node),
            SyntaxKind::Named => {
                // The name of an argument is no variable.
                let mut work = 1_u64;
                for child in node.children().skip(1) {
                    work = work.saturating_add(self.visit(&child, in_loop)?);
                }
                Ok(work)
            }
            SyntaxKind::Unary => self.children(node, in_loop),
            SyntaxKind::Binary => self.binary(node, in_loop),
            SyntaxKind::FieldAccess => self.access(node, in_loop),
            SyntaxKind::FuncCall => self.call(node, in_loop),
            SyntaxKind::LetBinding => self.binding(node, in_loop),
            SyntaxKind::ForLoop => self.for_loop(node, in_loop),
            SyntaxKind::SetRule => self.set_rule(node, in_loop),
            SyntaxKind::ShowRule => self.show_rule(node, in_loop),
            SyntaxKind::ModuleImport => self.import(node),
            SyntaxKind::WhileLoop => Err(self.refuse(node, "while")),
            SyntaxKind::Closure => Err(self.refuse(node, "a function of its own")),
            SyntaxKind::Label | SyntaxKind::Ref => Err(self.refuse(node, "a label")),
            other => Err(self.refuse(node, other.name())),
        }
    }

    /// Text must be printable, however it is written.
    fn text(&self, node: &LinkedNode<'_>) -> Result<u64, TemplateError> {
        let escaped = node.cast::<ast::Escape<'_>>().map(ast::Escape::get);
        let written = node.full_text();
        let unprintable = |c: &char| *c != '\n' && text::flaw(*c).is_some();
        match escaped.iter().copied().chain(written.chars()).find(unprintable) {
            Some(c) => Err(self.refuse(node, format!("the character U+{:04X}", u32::from(c)))),
            None => Ok(1),
        }
    }

    /// Lengths and counts: large ones cost memory in a grid or an enumeration.
    fn number(&self, node: &LinkedNode<'_>) -> Result<u64, TemplateError> {
        let text = node.full_text();
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
        match digits.parse::<f64>() {
            Ok(value) if value <= 10_000.0 => Ok(1),
            _ => Err(self.refuse(node, format!("the number {text}"))),
        }
    }

    fn name(&self, node: &LinkedNode<'_>) -> Result<u64, TemplateError> {
        let name = node.full_text();
        if let Some(work) = self.bindings.get(name.as_str()) {
            return Ok(*work);
        }
        if VALUES.contains(&name.as_str()) {
            Ok(1)
        } else {
            Err(self.refuse(node, format!("the name {name}")))
        }
    }

    fn binary(&mut self, node: &LinkedNode<'_>, in_loop: bool) -> Result<u64, TemplateError> {
        match node.cast::<ast::Binary<'_>>().map(ast::Binary::op) {
            Some(
                ast::BinOp::Add
                | ast::BinOp::And
                | ast::BinOp::Or
                | ast::BinOp::Eq
                | ast::BinOp::Neq
                | ast::BinOp::Lt
                | ast::BinOp::Leq
                | ast::BinOp::Gt
                | ast::BinOp::Geq
                | ast::BinOp::In
                | ast::BinOp::NotIn,
            ) => self.children(node, in_loop),
            Some(
                ast::BinOp::Sub
                | ast::BinOp::Mul
                | ast::BinOp::Div
                | ast::BinOp::Assign
                | ast::BinOp::AddAssign
                | ast::BinOp::SubAssign
                | ast::BinOp::MulAssign
                | ast::BinOp::DivAssign,
            )
            | None => Err(self.refuse(node, "this operator")),
        }
    }

    /// `data.….key`, or a member of a binding.
    fn access(&mut self, node: &LinkedNode<'_>, in_loop: bool) -> Result<u64, TemplateError> {
        if let Some(key) = field(node) {
            self.used.insert(key);
            return Ok(1);
        }
        if let Some(path) = path(node)
            && path[0] == "data"
        {
            // Handed on whole, nobody could say which fields are used.
            let whole = path == ["data", "fields"];
            return if whole {
                Err(self.refuse(node, "data.fields without the name of a field"))
            } else {
                Ok(1)
            };
        }
        let Some(target) = node.children().next() else { return Ok(1) };
        self.visit(&target, in_loop)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "what is not listed is refused")]
    fn call(&mut self, node: &LinkedNode<'_>, in_loop: bool) -> Result<u64, TemplateError> {
        let mut children = node.children();
        let Some(callee) = children.next() else { return Ok(1) };
        let mut work = 2_u64;
        match callee.kind() {
            SyntaxKind::Ident => {
                let name = callee.full_text();
                let known = name != "data" && name != "letter" && BASE.contains(&name.as_str());
                if self.bindings.contains_key(name.as_str()) || !(known || TYPST.contains(&name.as_str())) {
                    return Err(self.refuse(&callee, format!("the function {name}")));
                }
                if name == "given" {
                    let key = node.cast::<ast::FuncCall<'_>>().and_then(only_text);
                    let Some(key) = key else {
                        return Err(self.refuse(node, "given() of anything but the name of a field"));
                    };
                    self.asked.insert(key);
                }
            }
            SyntaxKind::FieldAccess => {
                let Some(method) = callee.children().last().map(|it| it.full_text()) else { return Ok(1) };
                if !METHODS.contains(&method.as_str()) || method == "with" {
                    return Err(self.refuse(&callee, format!("the method {method}")));
                }
                let Some(target) = callee.children().next() else { return Ok(1) };
                work = work.saturating_add(self.visit(&target, in_loop)?);
            }
            _ => return Err(self.refuse(&callee, "a call of anything but a name")),
        }
        for child in children {
            work = work.saturating_add(self.visit(&child, in_loop)?);
        }
        Ok(work)
    }

    /// `let name = value`, each name once: what a use of it costs must not change.
    fn binding(&mut self, node: &LinkedNode<'_>, in_loop: bool) -> Result<u64, TemplateError> {
        let named = node.children().find(|child| child.kind() == SyntaxKind::Ident);
        let value = node.children().filter(|child| is_expression(child)).nth(1);
        let (Some(named), Some(value)) = (named, value) else {
            return Err(self.refuse(node, "a binding of anything but one name"));
        };
        let work = self.visit(&value, in_loop)?;
        self.bind(&named, work)?;
        Ok(work)
    }

    fn bind(&mut self, named: &LinkedNode<'_>, work: u64) -> Result<(), TemplateError> {
        let name = named.full_text().to_string();
        let taken = BASE.contains(&name.as_str())
            || TYPST.contains(&name.as_str())
            || VALUES.contains(&name.as_str());
        if taken || self.bindings.contains_key(&name) {
            return Err(self.refuse(named, format!("a second meaning of {name}")));
        }
        self.bindings.insert(name, work);
        Ok(())
    }

    /// `for name in data.fields.key body`, not within another.
    fn for_loop(&mut self, node: &LinkedNode<'_>, in_loop: bool) -> Result<u64, TemplateError> {
        let parts = node.children().filter(is_expression).collect::<Vec<_>>();
        let [pattern, iterable, body] = parts.as_slice() else {
            return Err(self.refuse(node, "this loop"));
        };
        if in_loop {
            return Err(self.refuse(node, "a loop within a loop"));
        }
        if pattern.kind() != SyntaxKind::Ident || field(iterable).is_none() {
            return Err(self.refuse(node, "a loop over anything but a field"));
        }
        self.visit(iterable, true)?;
        self.bind(pattern, 1)?;
        let work = self.visit(body, true)?;
        self.bindings.remove(pattern.full_text().as_str());
        Ok(work.saturating_mul(LOOP))
    }

    /// `set text(…)` and the like.
    fn set_rule(&mut self, node: &LinkedNode<'_>, in_loop: bool) -> Result<u64, TemplateError> {
        let parts = node.children().filter(is_expression).collect::<Vec<_>>();
        let [target, args] = parts.as_slice() else { return Err(self.refuse(node, "this set rule")) };
        if !["text", "par", "enum", "list", "align", "block"].contains(&target.full_text().as_str()) {
            return Err(self.refuse(target, format!("set {}", target.full_text())));
        }
        self.visit(args, in_loop)
    }

    /// `show: letter`, and no other.
    fn show_rule(&mut self, node: &LinkedNode<'_>, _: bool) -> Result<u64, TemplateError> {
        let parts = node.children().filter(is_expression).collect::<Vec<_>>();
        match parts.as_slice() {
            [transform] if transform.full_text() == "letter" && is_outermost(node) => {
                self.shows += 1;
                Ok(1)
            }
            _ => Err(self.refuse(node, "a show rule other than `show: letter`")),
        }
    }

    /// `import "/letter/base.typ": *`, and no other.
    fn import(&mut self, node: &LinkedNode<'_>) -> Result<u64, TemplateError> {
        let import = node.cast::<ast::ModuleImport<'_>>();
        let ours = import.is_some_and(|import| {
            matches!(import.source(), ast::Expr::Str(path) if path.get() == BASE_PATH)
                && matches!(import.imports(), Some(ast::Imports::Wildcard))
                && import.new_name().is_none()
        });
        if ours && is_outermost(node) {
            self.imports += 1;
            Ok(1)
        } else {
            Err(self.refuse(node, format!("an import other than \"{BASE_PATH}\": *")))
        }
    }
}

/// The names of `a.b.c`, if it is nothing else and no longer than any that is used.
fn path(node: &SyntaxNode) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut node = node;
    while node.kind() == SyntaxKind::FieldAccess && names.len() < 8 {
        names.push(node.children().last()?.full_text().to_string());
        node = node.children().next()?;
    }
    if node.kind() != SyntaxKind::Ident {
        return None;
    }
    names.push(node.full_text().to_string());
    names.reverse();
    Some(names)
}

/// The key of `data.fields.key`.
fn field(node: &SyntaxNode) -> Option<String> {
    match path(node)?.as_slice() {
        [data, fields, key] if data == "data" && fields == "fields" => Some(key.clone()),
        _ => None,
    }
}

/// The argument of a call with one text and nothing else.
fn only_text(call: ast::FuncCall<'_>) -> Option<String> {
    let mut items = call.args().items();
    match (items.next(), items.next()) {
        (Some(ast::Arg::Pos(ast::Expr::Str(text))), None) => Some(text.get().to_string()),
        _ => None,
    }
}

/// Whether a node stands in the file itself, in no block.
fn is_outermost(node: &LinkedNode<'_>) -> bool {
    node.parent().is_some_and(|parent| parent.parent().is_none())
}

fn is_punctuation(kind: SyntaxKind) -> bool {
    kind.is_grouping()
        || matches!(
            kind,
            SyntaxKind::Hash
                | SyntaxKind::Comma
                | SyntaxKind::Semicolon
                | SyntaxKind::Colon
                | SyntaxKind::Star
                | SyntaxKind::Underscore
                | SyntaxKind::Plus
                | SyntaxKind::Minus
                | SyntaxKind::Dot
                | SyntaxKind::Eq
                | SyntaxKind::EqEq
                | SyntaxKind::ExclEq
                | SyntaxKind::Lt
                | SyntaxKind::LtEq
                | SyntaxKind::Gt
                | SyntaxKind::GtEq
        )
}

/// Whether a child is part of the meaning: neither keyword, punctuation nor space.
fn is_expression(node: &LinkedNode<'_>) -> bool {
    let kind = node.kind();
    !(kind.is_trivia() || kind.is_keyword() || is_punctuation(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "#import \"/letter/base.typ\": *\n#show: letter\n";

    fn with(body: &str) -> Result<Uses, TemplateError> {
        check(&format!("{HEAD}{body}"))
    }

    fn set(keys: &[&str]) -> BTreeSet<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn names_the_fields_that_are_used() {
        let uses = with(
            r#"
            Yang bertanda tangan di bawah ini #data.signer.position #data.letterhead.lines.last() menerangkan:
            #facts(
              ("Nama", data.fields.nama),
              ("Tempat, tanggal lahir", [#data.fields.tempat_lahir, #tanggal(data.fields.tanggal_lahir)]),
            )
            #if given("keperluan") [Untuk #data.fields.keperluan.] else [–]
            #for orang in data.fields.anggota [
              + #orang.nama, *#orang.at("hubungan", default: "anak")*
            ]
            #let jumlah = data.fields.anggota.len()
            Seluruhnya #jumlah orang. #set text(size: 11pt)
            #annex("Anggota keluarga")[#listing(("Nama", "NIK"), data.fields.anggota, ("nama", "nik"))]
            #v(0.5cm) #align(center)[#strong(upper(data.title))] #closing(kind: "surat pengantar")
            "#,
        )
        .unwrap();
        assert_eq!(uses.required, set(&["anggota", "nama", "tanggal_lahir", "tempat_lahir"]));
        assert_eq!(uses.optional, set(&["keperluan"]));
    }

    #[test]
    fn what_could_run_away_or_look_around_is_refused() {
        for body in [
            "#while true {}",
            "#let f(x) = f(x)\n#f(1)",
            "#let f = x => x",
            "#(x => x)(1)",
            "#for i in range(1000000000) [x]",
            "#for i in data.fields.a [#for j in data.fields.a [x]]",
            "#for c in data.title [x]",
            "#lorem(100000000)",
            "#(\"a\" * 1000000000)",
            "#{ let x = \"a\"; x += x }",
            "#let x = 1\n#let x = 2",
            "#let letter = 1",
            "#eval(\"1\")",
            "#plugin(\"/a.wasm\")",
            "#read(\"/data.json\")",
            "#json(\"/data.json\")",
            "#image(\"/etc/passwd\")",
            "#include \"/etc/passwd\"",
            "#import \"@preview/cetz:0.3.0\": *",
            "#import \"/letter/base.typ\"",
            "#import \"/letter/base.typ\": letter",
            "#sys.version",
            "#datetime.today()",
            "#context here()",
            "#metadata(1) <ttd>",
            "<ttd>",
            "@ttd",
            "$ x^2 $",
            "`raw`",
            "= Heading",
            "#show \"a\": \"b\"",
            "#show: x => x",
            "#set page(width: 1cm)",
            "#set document(title: \"x\")",
            "#v(1e9cm)",
            "#enum(start: 99999999999)[x]",
            "#annexes.get()",
            "#let annex = 1",
            "#annex-pages[a][b][c]",
            "#data.fields",
            "#data.fields.at(\"nama\")",
            "#let d = data.fields",
            "#given(data.fields.nama)",
            "#facts(..data.fields.rows)",
            "#data.title.replace(\"a\", \"b\")",
            "#text.with(size: 1pt)",
            "https://example.org",
            "#let d = data",
            "Surat \u{1f600}",
            "Surat \\u{202e}",
            "#strong(\"\u{202e}\")",
        ] {
            let result = with(body);
            assert!(
                matches!(result, Err(TemplateError::NotPermitted { line: 3.., .. })),
                "{body}: {result:?}"
            );
        }
        assert_eq!(
            with("#while true {}").unwrap_err().to_string(),
            "line 3: while is not permitted in a letter template"
        );
    }

    #[test]
    fn a_template_is_a_letter_once() {
        let import = "#import \"/letter/base.typ\": *\n";
        for template in
            ["", "Isi", import, "#show: letter", &format!("{HEAD}#show: letter"), &format!("{HEAD}{import}")]
        {
            assert_eq!(check(template), Err(TemplateError::NoLetter), "{template}");
        }
        assert!(matches!(
            check(&format!("{import}#[#show: letter]")),
            Err(TemplateError::NotPermitted { line: 2, .. })
        ));
        assert_eq!(check(HEAD), Ok(Uses::default()));
    }

    #[test]
    fn bindings_that_double_each_other_are_refused() {
        let mut body = "#let a0 = [x]\n".to_owned();
        for n in 0..40 {
            body.push_str(&format!("#let a{} = [#a{n}#a{n}]\n", n + 1));
        }
        assert_eq!(with(&body), Err(TemplateError::TooMuchWork));
    }

    #[test]
    fn length_depth_and_syntax_are_bounded() {
        assert_eq!(check(&"x".repeat(LONGEST + 1)), Err(TemplateError::TooLong));
        assert!(matches!(with("#if {"), Err(TemplateError::Syntax { line: 3.., .. })));
        for nest in ["(", "[", "{", "#[", "#(", "*_", "#if true ["] {
            assert!(with(&format!("#{}", nest.repeat(10_000))).is_err(), "{nest}");
        }
        for (begin, link, end) in [
            ("#", "(", "1"),
            ("#data", ".a", ""),
            ("#data", ".at(1)", ""),
            ("#(1", "+1", ")"),
            ("#(", "-", "1)"),
            ("#(", "not ", "true)"),
            ("#if true {} ", "else if true {}", ""),
            ("#text", "[a]", ""),
            ("#let a", "=b", ""),
            ("", "- ", "a"),
            ("", "*a_", ""),
            ("", "#[", "a"),
        ] {
            let many = (LONGEST - HEAD.len() - 32) / link.len();
            let chain = format!("{begin}{}{end}", link.repeat(many));
            let result = with(&chain);
            assert!(result.is_err() || link == "[a]" || link == "- ", "{link}: {result:?}");
        }
        let closed = format!("#{}1{}", "(".repeat(5_000), ")".repeat(5_000));
        assert!(with(&closed).is_err());
    }
}
