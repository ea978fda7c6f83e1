//! A reader of PDF that knows where in the file everything lies: which bytes a signature covers, which revision wrote an
//! object. It draws nothing and repairs nothing. Files come from strangers: every size, depth and count is bounded, and
//! what is not understood is an error.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::ops::Range;
use std::rc::Rc;

/// The largest file that is read.
pub(super) const LARGEST: usize = 32 * 1024 * 1024;
/// Nested arrays and dictionaries.
const DEEPEST: usize = 48;
/// Cross-reference sections, that is, revisions.
const MOST_SECTIONS: usize = 64;
/// Cross-reference entries over all sections.
const MOST_ENTRIES: usize = 500_000;
/// The size of all decompressed streams.
const LARGEST_STREAMS: usize = 32 * 1024 * 1024;
/// Values in one object.
const MOST_VALUES: usize = 200_000;

/// Why a file cannot be read as PDF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Larger than 32 MiB.
    #[error("too large")]
    TooLarge,
    /// No PDF, or cut off, or damaged.
    #[error("not a PDF, or damaged at byte {0}")]
    Damaged(usize),
    /// Needs a password.
    #[error("encrypted")]
    Encrypted,
    /// More revisions, objects or nesting than a letter can have.
    #[error("too complex")]
    TooComplex,
}

/// The number and the generation of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id(pub(super) u32, pub(super) u16);

/// A dictionary.
pub(super) type Dict = BTreeMap<Vec<u8>, Value>;

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// As it is written.
    Real(Vec<u8>),
    Name(Vec<u8>),
    /// The octets, and where in the file it stands with its brackets; an empty range within an object stream.
    Text(Vec<u8>, Range<usize>),
    Array(Vec<Value>),
    Dict(Dict),
    Ref(Id),
}

/// Equal in meaning; where it stands does not count.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Name(a), Self::Name(b)) | (Self::Text(a, _), Self::Text(b, _)) => a == b,
            (Self::Array(a), Self::Array(b)) => a == b,
            (Self::Dict(a), Self::Dict(b)) => a == b,
            (Self::Ref(a), Self::Ref(b)) => a == b,
            (Self::Real(_), Self::Real(_) | Self::Int(_)) | (Self::Int(_), Self::Real(_)) => {
                match (self.number(), other.number()) {
                    // Another program may write fewer digits of the same number.
                    (Some(a), Some(b)) => (a - b).abs() < 1e-4,
                    _ => false,
                }
            }
            (
                Self::Null
                | Self::Bool(_)
                | Self::Int(_)
                | Self::Real(_)
                | Self::Name(_)
                | Self::Text(..)
                | Self::Array(_)
                | Self::Dict(_)
                | Self::Ref(_),
                _,
            ) => false,
        }
    }
}

impl Value {
    pub(super) fn int(&self) -> Option<i64> {
        if let Self::Int(it) = self { Some(*it) } else { None }
    }

    pub(super) fn name(&self) -> Option<&[u8]> {
        if let Self::Name(it) = self { Some(it) } else { None }
    }

    pub(super) fn array(&self) -> Option<&[Self]> {
        if let Self::Array(it) = self { Some(it) } else { None }
    }

    pub(super) fn into_dict(self) -> Option<Dict> {
        if let Self::Dict(it) = self { Some(it) } else { None }
    }

    pub(super) fn into_array(self) -> Option<Vec<Self>> {
        if let Self::Array(it) = self { Some(it) } else { None }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(super) fn reference(&self) -> Option<Id> {
        if let Self::Ref(it) = self { Some(*it) } else { None }
    }

    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Real(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            // Numbers in a PDF are far below the precision of f64.
            Self::Int(it) => i32::try_from(*it).ok().map(f64::from),
            Self::Null
            | Self::Bool(_)
            | Self::Name(_)
            | Self::Text(..)
            | Self::Array(_)
            | Self::Dict(_)
            | Self::Ref(_) => None,
        }
    }

    /// Appends this value as PDF writes it. Texts are written in hexadecimal, so that nothing needs escaping.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(it) => out.extend_from_slice(if *it { b"true" } else { b"false" }),
            Self::Int(it) => out.extend_from_slice(it.to_string().as_bytes()),
            Self::Real(it) => out.extend_from_slice(it),
            Self::Name(it) => write_name(it, out),
            Self::Text(it, _) => write_text(it, out),
            Self::Array(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b' ');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Dict(members) => write_dict(members, out),
            Self::Ref(Id(number, generation)) => {
                out.extend_from_slice(format!("{number} {generation} R").as_bytes());
            }
        }
    }
}

/// Appends a dictionary.
pub(super) fn write_dict(members: &Dict, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<<");
    for (key, value) in members {
        write_name(key, out);
        out.push(b' ');
        value.write(out);
        out.push(b'\n');
    }
    out.extend_from_slice(b">>");
}

/// Appends octets as a hexadecimal string.
pub(super) fn write_text(octets: &[u8], out: &mut Vec<u8>) {
    out.push(b'<');
    for octet in octets {
        out.extend_from_slice(format!("{octet:02X}").as_bytes());
    }
    out.push(b'>');
}

fn write_name(name: &[u8], out: &mut Vec<u8>) {
    out.push(b'/');
    for byte in name {
        if byte.is_ascii_graphic() && !is_delimiter(*byte) && *byte != b'#' {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("#{byte:02X}").as_bytes());
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

/// Where an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    Free,
    /// At a byte of the file, with this generation.
    At(usize, u16),
    /// In an object stream.
    Within(u32),
}

/// An object as it was read.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) value: Value,
    /// The raw bytes of its stream.
    pub(super) stream: Option<Range<usize>>,
}

/// A file, read as far as its last revision.
pub(super) struct Pdf<'a> {
    pub(super) bytes: &'a [u8],
    /// The newest entry of every object.
    pub(super) entries: BTreeMap<u32, Entry>,
    /// The newest trailer.
    pub(super) trailer: Dict,
    /// Where the newest cross-reference section begins.
    pub(super) start: usize,
    /// Whether every section is a table of the classic form.
    pub(super) classic: bool,
    /// Object streams that were decompressed, by their position.
    streams: RefCell<BTreeMap<usize, Rc<Vec<u8>>>>,
    /// Bytes that may still be looked at: a file may point at the same object many times.
    work: Cell<usize>,
}

impl<'a> Pdf<'a> {
    /// Reads the cross-reference sections of `bytes`, from the last one backwards.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        if bytes.len() > LARGEST {
            return Err(Unreadable::TooLarge);
        }
        if !bytes.starts_with(b"%PDF-") {
            return Err(Unreadable::Damaged(0));
        }
        let start = last_start(bytes)?;
        let (streams, work) = (RefCell::default(), Cell::new(bytes.len().saturating_mul(8) + (1 << 20)));
        let mut pdf = Self {
            bytes,
            entries: BTreeMap::new(),
            trailer: Dict::new(),
            start,
            classic: true,
            streams,
            work,
        };
        let mut next = vec![start];
        let mut seen = BTreeSet::new();
        let mut newest = true;
        while let Some(offset) = next.pop() {
            if !seen.insert(offset) {
                continue;
            }
            if seen.len() > MOST_SECTIONS {
                return Err(Unreadable::TooComplex);
            }
            let trailer = pdf.section(offset)?;
            let at =
                |key: &[u8]| trailer.get(key).and_then(Value::int).and_then(|at| usize::try_from(at).ok());
            // The stream of a hybrid file comes before what the table's predecessor says.
            next.extend(at(b"Prev"));
            if let Some(hybrid) = at(b"XRefStm") {
                pdf.classic = false;
                next.push(hybrid);
            }
            if newest {
                pdf.trailer = trailer;
                newest = false;
            }
        }
        if pdf.trailer.contains_key(&b"Encrypt"[..]) {
            return Err(Unreadable::Encrypted);
        }
        Ok(pdf)
    }

    /// Reads one section; entries that are known already are newer and stay.
    fn section(&mut self, offset: usize) -> Result<Dict, Unreadable> {
        let mut lexer = Lexer::new(self.bytes, offset)?;
        lexer.skip_space();
        if lexer.word(b"xref") { self.table(&mut lexer) } else { self.xref_stream(offset) }
    }

    fn insert(&mut self, number: u32, entry: Entry) -> Result<(), Unreadable> {
        self.entries.entry(number).or_insert(entry);
        if self.entries.len() > MOST_ENTRIES { Err(Unreadable::TooComplex) } else { Ok(()) }
    }

    fn table(&mut self, lexer: &mut Lexer<'_>) -> Result<Dict, Unreadable> {
        loop {
            lexer.skip_space();
            if lexer.word(b"trailer") {
                break;
            }
            let first = lexer.unsigned()?;
            let count = lexer.unsigned()?;
            if count > MOST_ENTRIES as u64 {
                return Err(Unreadable::TooComplex);
            }
            for index in 0..count {
                let offset = lexer.unsigned()?;
                let generation = lexer.unsigned()?;
                lexer.skip_space();
                let number = first.checked_add(index).and_then(|it| u32::try_from(it).ok());
                let number = number.ok_or(Unreadable::Damaged(lexer.at))?;
                if lexer.word(b"n") {
                    let offset = usize::try_from(offset).map_err(|_| Unreadable::Damaged(lexer.at))?;
                    let generation = u16::try_from(generation).map_err(|_| Unreadable::Damaged(lexer.at))?;
                    self.insert(number, Entry::At(offset, generation))?;
                } else if lexer.word(b"f") {
                    self.insert(number, Entry::Free)?;
                } else {
                    return Err(Unreadable::Damaged(lexer.at));
                }
            }
        }
        lexer.value(0)?.into_dict().ok_or(Unreadable::Damaged(lexer.at))
    }

    fn xref_stream(&mut self, offset: usize) -> Result<Dict, Unreadable> {
        self.classic = false;
        let damaged = Unreadable::Damaged(offset);
        let (_, object) = self.object_at(offset, false)?;
        let Value::Dict(dict) = &object.value else { return Err(damaged) };
        if dict.get(&b"Type"[..]).and_then(Value::name) != Some(b"XRef") {
            return Err(damaged);
        }
        let data = self.decoded(dict, object.stream.ok_or(damaged)?)?;
        let ints = |key: &[u8]| {
            let items = dict.get(key)?.array()?;
            items
                .iter()
                .map(|it| it.int().and_then(|it| usize::try_from(it).ok()))
                .collect::<Option<Vec<_>>>()
        };
        let widths = ints(b"W").ok_or(damaged)?;
        let [kind, second, third] = *widths.as_slice() else { return Err(damaged) };
        if kind > 4 || second > 8 || third > 8 || kind + second + third == 0 {
            return Err(damaged);
        }
        let size = dict
            .get(&b"Size"[..])
            .and_then(Value::int)
            .and_then(|it| usize::try_from(it).ok())
            .ok_or(damaged)?;
        let index = ints(b"Index").unwrap_or_else(|| vec![0, size]);
        let mut rows = data.chunks_exact(kind + second + third);
        for pair in index.chunks_exact(2) {
            for step in 0..pair[1] {
                let Some(row) = rows.next() else { return Err(damaged) };
                let field = |range: Range<usize>| {
                    row[range].iter().fold(0_u64, |it, byte| it << 8 | u64::from(*byte))
                };
                let what = if kind == 0 { 1 } else { field(0..kind) };
                let (a, b) = (field(kind..kind + second), field(kind + second..kind + second + third));
                let number =
                    pair[0].checked_add(step).and_then(|it| u32::try_from(it).ok()).ok_or(damaged)?;
                let entry = match what {
                    0 => Entry::Free,
                    1 => Entry::At(
                        usize::try_from(a).map_err(|_| damaged)?,
                        u16::try_from(b).map_err(|_| damaged)?,
                    ),
                    2 => Entry::Within(u32::try_from(a).map_err(|_| damaged)?),
                    _ => continue,
                };
                self.insert(number, entry)?;
            }
        }
        Ok(dict.clone())
    }

    /// The object with this number; `Null` when there is none, as the standard has it.
    pub(super) fn object(&self, id: Id) -> Result<Object, Unreadable> {
        match self.entries.get(&id.0) {
            Some(Entry::At(offset, generation)) if *generation == id.1 => {
                let (read, object) = self.object_at(*offset, true)?;
                if read == id { Ok(object) } else { Err(Unreadable::Damaged(*offset)) }
            }
            Some(Entry::Within(container)) if id.1 == 0 => self.object_within(*container, id.0),
            Some(Entry::Free | Entry::At(..) | Entry::Within(_)) | None => {
                Ok(Object { value: Value::Null, stream: None })
            }
        }
    }

    /// Counts `bytes` that were looked at.
    fn worked(&self, bytes: usize) -> Result<(), Unreadable> {
        let left = self.work.get().checked_sub(bytes).ok_or(Unreadable::TooComplex)?;
        self.work.set(left);
        Ok(())
    }

    /// The value behind a reference, or the value itself.
    pub(super) fn resolve(&self, value: &Value) -> Result<Value, Unreadable> {
        let mut value = value.clone();
        for _ in 0..8 {
            let Value::Ref(id) = value else { return Ok(value) };
            value = self.object(id)?.value;
        }
        Err(Unreadable::TooComplex)
    }

    /// The value of a key, resolved; `Null` when there is none.
    pub(super) fn get(&self, dict: &Dict, key: &str) -> Result<Value, Unreadable> {
        dict.get(key.as_bytes()).map_or(Ok(Value::Null), |value| self.resolve(value))
    }

    fn object_at(&self, offset: usize, may_look_up: bool) -> Result<(Id, Object), Unreadable> {
        let mut lexer = Lexer::new(self.bytes, offset)?;
        let damaged = Unreadable::Damaged(offset);
        let number = u32::try_from(lexer.unsigned()?).map_err(|_| damaged)?;
        let generation = u16::try_from(lexer.unsigned()?).map_err(|_| damaged)?;
        lexer.skip_space();
        if !lexer.word(b"obj") {
            return Err(damaged);
        }
        let value = lexer.value(0)?;
        self.worked(lexer.at - offset)?;
        lexer.skip_space();
        let mut stream = None;
        if let Value::Dict(dict) = &value
            && lexer.word(b"stream")
        {
            if lexer.peek() == Some(b'\r') {
                lexer.at += 1;
            }
            if lexer.peek() != Some(b'\n') {
                return Err(damaged);
            }
            lexer.at += 1;
            let length = match dict.get(&b"Length"[..]) {
                Some(Value::Int(length)) => *length,
                // Its length is a plain number elsewhere; looked up once, so that two streams cannot wait for each other.
                Some(Value::Ref(Id(number, _))) if may_look_up => match self.entries.get(number) {
                    Some(Entry::At(offset, _)) => {
                        self.object_at(*offset, false)?.1.value.int().ok_or(damaged)?
                    }
                    Some(Entry::Free | Entry::Within(_)) | None => return Err(damaged),
                },
                _ => return Err(damaged),
            };
            let end = usize::try_from(length)
                .ok()
                .and_then(|length| lexer.at.checked_add(length))
                .ok_or(damaged)?;
            if end > self.bytes.len() {
                return Err(damaged);
            }
            stream = Some(lexer.at..end);
            lexer.at = end;
            lexer.skip_space();
            if !lexer.word(b"endstream") {
                return Err(damaged);
            }
            lexer.skip_space();
        }
        if !lexer.word(b"endobj") {
            return Err(damaged);
        }
        Ok((Id(number, generation), Object { value, stream }))
    }

    fn object_within(&self, container: u32, number: u32) -> Result<Object, Unreadable> {
        let Some(Entry::At(offset, _)) = self.entries.get(&container) else {
            return Err(Unreadable::Damaged(0));
        };
        let damaged = Unreadable::Damaged(*offset);
        let (_, object) = self.object_at(*offset, true)?;
        let Value::Dict(dict) = &object.value else { return Err(damaged) };
        let data = self.decoded(dict, object.stream.ok_or(damaged)?)?;
        let size = |key: &[u8]| dict.get(key).and_then(Value::int).and_then(|it| usize::try_from(it).ok());
        let (count, first) = (size(b"N").ok_or(damaged)?, size(b"First").ok_or(damaged)?);
        if count > MOST_ENTRIES {
            return Err(Unreadable::TooComplex);
        }
        let mut head = Lexer::new(&data, 0)?;
        for _ in 0..count {
            let (found, at) = (head.unsigned()?, head.unsigned()?);
            if found == u64::from(number) {
                let at = usize::try_from(at).ok().and_then(|at| first.checked_add(at)).ok_or(damaged)?;
                let mut lexer = Lexer::new(&data, at).map_err(|_| damaged)?;
                lexer.in_file = false;
                let value = lexer.value(0)?;
                self.worked(head.at + lexer.at - at)?;
                return Ok(Object { value, stream: None });
            }
        }
        self.worked(head.at)?;
        Err(damaged)
    }

    /// The contents of a stream: plain or deflated, with a PNG predictor or none. Object and cross-reference streams have
    /// nothing else.
    fn decoded(&self, dict: &Dict, stream: Range<usize>) -> Result<Rc<Vec<u8>>, Unreadable> {
        if let Some(known) = self.streams.borrow().get(&stream.start) {
            return Ok(Rc::clone(known));
        }
        let used = self.streams.borrow().values().map(|stream| stream.len()).sum::<usize>();
        let begin = stream.start;
        let data = Rc::new(self.decode(dict, stream, LARGEST_STREAMS.saturating_sub(used))?);
        self.streams.borrow_mut().insert(begin, Rc::clone(&data));
        Ok(data)
    }

    fn decode(&self, dict: &Dict, stream: Range<usize>, most: usize) -> Result<Vec<u8>, Unreadable> {
        let damaged = Unreadable::Damaged(stream.start);
        let raw = self.bytes.get(stream).ok_or(damaged)?;
        let only = |value: Option<&Value>| match value {
            Some(Value::Array(items)) if items.len() == 1 => Some(items[0].clone()),
            other => other.cloned(),
        };
        let data = match only(dict.get(&b"Filter"[..])) {
            None | Some(Value::Null) => raw.to_vec(),
            Some(Value::Name(name)) if name == b"FlateDecode" => {
                let mut data = Vec::new();
                let limit = most as u64 + 1;
                flate2::read::ZlibDecoder::new(raw)
                    .take(limit)
                    .read_to_end(&mut data)
                    .map_err(|_| damaged)?;
                if data.len() > most {
                    return Err(Unreadable::TooComplex);
                }
                data
            }
            Some(_) => return Err(damaged),
        };
        let Some(Value::Dict(parms)) = only(dict.get(&b"DecodeParms"[..])) else { return Ok(data) };
        let parm = |key: &[u8], default: i64| parms.get(key).and_then(Value::int).unwrap_or(default);
        match parm(b"Predictor", 1) {
            1 => Ok(data),
            10..=15 => {
                let columns = usize::try_from(parm(b"Columns", 1)).map_err(|_| damaged)?;
                let plain = parm(b"Colors", 1) == 1 && parm(b"BitsPerComponent", 8) == 8;
                if !plain || columns == 0 || columns > 64 {
                    return Err(damaged);
                }
                unpredict(&data, columns).ok_or(damaged)
            }
            _ => Err(damaged),
        }
    }
}

/// Undoes the row filters of PNG (none, sub, up, average, Paeth), one byte to a pixel.
fn unpredict(data: &[u8], columns: usize) -> Option<Vec<u8>> {
    let mut out: Vec<u8> = Vec::with_capacity(data.len());
    let mut above = vec![0_u8; columns];
    for row in data.chunks_exact(columns + 1) {
        let mut line = vec![0_u8; columns];
        for column in 0..columns {
            let left = if column > 0 { line[column - 1] } else { 0 };
            let corner = if column > 0 { above[column - 1] } else { 0 };
            let up = above[column];
            let guess = match row[0] {
                0 => 0,
                1 => left,
                2 => up,
                3 => left.midpoint(up),
                4 => {
                    let (a, b, c) = (i16::from(left), i16::from(up), i16::from(corner));
                    let (from_a, from_b, from_c) = ((b - c).abs(), (a - c).abs(), (a + b - 2 * c).abs());
                    if from_a <= from_b && from_a <= from_c {
                        left
                    } else if from_b <= from_c {
                        up
                    } else {
                        corner
                    }
                }
                _ => return None,
            };
            line[column] = row[1 + column].wrapping_add(guess);
        }
        out.extend_from_slice(&line);
        above = line;
    }
    Some(out)
}

/// The position that the last `startxref` names.
fn last_start(bytes: &[u8]) -> Result<usize, Unreadable> {
    let damaged = Unreadable::Damaged(bytes.len());
    let tail = bytes.len().saturating_sub(2048);
    let at = bytes[tail..].windows(9).rposition(|window| window == b"startxref").ok_or(damaged)?;
    let mut lexer = Lexer::new(bytes, tail + at + 9)?;
    let start = usize::try_from(lexer.unsigned()?).map_err(|_| damaged)?;
    lexer.skip_bare_space();
    if !lexer.bytes[lexer.at..].starts_with(b"%%EOF") {
        return Err(damaged);
    }
    Ok(start)
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether positions in `bytes` are positions in the file.
    in_file: bool,
    /// Values that may still be read.
    budget: usize,
}

impl<'a> Lexer<'a> {
    fn new(bytes: &'a [u8], at: usize) -> Result<Self, Unreadable> {
        if at > bytes.len() {
            return Err(Unreadable::Damaged(at));
        }
        Ok(Self { bytes, at, in_file: true, budget: MOST_VALUES })
    }

    fn damaged(&self) -> Unreadable {
        Unreadable::Damaged(self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_bare_space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    /// Skips spaces and comments.
    fn skip_space(&mut self) {
        loop {
            self.skip_bare_space();
            if self.peek() != Some(b'%') {
                return;
            }
            while self.peek().is_some_and(|byte| byte != b'\n' && byte != b'\r') {
                self.at += 1;
            }
        }
    }

    /// Whether this word stands here; if so it is read.
    fn word(&mut self, word: &[u8]) -> bool {
        let here = self.bytes[self.at..].starts_with(word);
        let ends =
            self.bytes.get(self.at + word.len()).is_none_or(|byte| is_space(*byte) || is_delimiter(*byte));
        if here && ends {
            self.at += word.len();
        }
        here && ends
    }

    fn unsigned(&mut self) -> Result<u64, Unreadable> {
        self.skip_space();
        let begin = self.at;
        let mut number = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number
                .checked_mul(10)
                .and_then(|it| it.checked_add(u64::from(digit - b'0')))
                .ok_or(self.damaged())?;
            self.at += 1;
        }
        if self.at == begin { Err(self.damaged()) } else { Ok(number) }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Unreadable> {
        if depth > DEEPEST || self.budget == 0 {
            return Err(Unreadable::TooComplex);
        }
        self.budget -= 1;
        self.skip_space();
        match self.peek().ok_or(self.damaged())? {
            b'/' => self.name().map(Value::Name),
            b'(' => self.literal(),
            b'<' if self.bytes.get(self.at + 1) == Some(&b'<') => self.dict(depth).map(Value::Dict),
            b'<' => self.hexadecimal(),
            b'[' => {
                self.at += 1;
                let mut items = Vec::new();
                loop {
                    self.skip_space();
                    if self.peek() == Some(b']') {
                        self.at += 1;
                        return Ok(Value::Array(items));
                    }
                    items.push(self.value(depth + 1)?);
                }
            }
            b'0'..=b'9' | b'+' | b'-' | b'.' => self.number_or_reference(),
            _ if self.word(b"null") => Ok(Value::Null),
            _ if self.word(b"true") => Ok(Value::Bool(true)),
            _ if self.word(b"false") => Ok(Value::Bool(false)),
            _ => Err(self.damaged()),
        }
    }

    fn dict(&mut self, depth: usize) -> Result<Dict, Unreadable> {
        self.at += 2;
        let mut members = Dict::new();
        loop {
            self.skip_space();
            if self.bytes[self.at..].starts_with(b">>") {
                self.at += 2;
                return Ok(members);
            }
            if self.peek() != Some(b'/') {
                return Err(self.damaged());
            }
            let key = self.name()?;
            let value = self.value(depth + 1)?;
            // Readers differ in which of two they take: such a file means two things.
            if members.insert(key, value).is_some() {
                return Err(self.damaged());
            }
        }
    }

    fn name(&mut self) -> Result<Vec<u8>, Unreadable> {
        self.at += 1;
        let mut name = Vec::new();
        while let Some(byte) = self.peek().filter(|byte| !is_space(*byte) && !is_delimiter(*byte)) {
            self.at += 1;
            if byte == b'#' {
                let digits = self.bytes.get(self.at..self.at + 2).ok_or(self.damaged())?;
                let (Some(high), Some(low)) = (hex_digit(digits[0]), hex_digit(digits[1])) else {
                    return Err(self.damaged());
                };
                name.push(high << 4 | low);
                self.at += 2;
            } else {
                name.push(byte);
            }
        }
        Ok(name)
    }

    fn span(&self, begin: usize) -> Range<usize> {
        if self.in_file { begin..self.at } else { 0..0 }
    }

    fn hexadecimal(&mut self) -> Result<Value, Unreadable> {
        let begin = self.at;
        self.at += 1;
        let mut octets = Vec::new();
        let mut high = None;
        loop {
            let byte = self.peek().ok_or(self.damaged())?;
            self.at += 1;
            match (byte, high) {
                (b'>', None) => return Ok(Value::Text(octets, self.span(begin))),
                (b'>', Some(high)) => {
                    octets.push(high << 4);
                    return Ok(Value::Text(octets, self.span(begin)));
                }
                (space, _) if is_space(space) => {}
                (digit, before) => {
                    let digit = hex_digit(digit).ok_or(self.damaged())?;
                    high = match before {
                        None => Some(digit),
                        Some(high) => {
                            octets.push(high << 4 | digit);
                            None
                        }
                    };
                }
            }
        }
    }

    fn literal(&mut self) -> Result<Value, Unreadable> {
        let begin = self.at;
        self.at += 1;
        let mut octets = Vec::new();
        let mut open = 1_usize;
        loop {
            let byte = self.peek().ok_or(self.damaged())?;
            self.at += 1;
            match byte {
                b'(' => {
                    open += 1;
                    octets.push(byte);
                }
                b')' => {
                    open -= 1;
                    if open == 0 {
                        return Ok(Value::Text(octets, self.span(begin)));
                    }
                    octets.push(byte);
                }
                b'\\' => {
                    let escaped = self.peek().ok_or(self.damaged())?;
                    self.at += 1;
                    match escaped {
                        b'n' => octets.push(b'\n'),
                        b'r' => octets.push(b'\r'),
                        b't' => octets.push(b'\t'),
                        b'b' => octets.push(8),
                        b'f' => octets.push(12),
                        b'\r' => {
                            if self.peek() == Some(b'\n') {
                                self.at += 1;
                            }
                        }
                        b'\n' => {}
                        first @ b'0'..=b'7' => {
                            let mut code = u32::from(first - b'0');
                            for _ in 0..2 {
                                let Some(digit @ b'0'..=b'7') = self.peek() else { break };
                                code = code * 8 + u32::from(digit - b'0');
                                self.at += 1;
                            }
                            octets.push((code & 0xff) as u8);
                        }
                        other => octets.push(other),
                    }
                }
                other => octets.push(other),
            }
        }
    }

    fn number_or_reference(&mut self) -> Result<Value, Unreadable> {
        let begin = self.at;
        while self.peek().is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.')) {
            self.at += 1;
        }
        let text = &self.bytes[begin..self.at];
        if text.contains(&b'.') {
            return Ok(Value::Real(text.to_vec()));
        }
        let number =
            std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok()).ok_or(self.damaged())?;
        if let Ok(object) = u32::try_from(number) {
            let after = self.at;
            if self.peek().is_some_and(is_space)
                && let Ok(generation) = self.unsigned()
                && let Ok(generation) = u16::try_from(generation)
            {
                self.skip_space();
                if self.word(b"R") {
                    return Ok(Value::Ref(Id(object, generation)));
                }
            }
            self.at = after;
        }
        Ok(Value::Int(number))
    }
}

pub(super) fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(text: &str) -> Result<Value, Unreadable> {
        Lexer::new(text.as_bytes(), 0)?.value(0)
    }

    #[test]
    fn values_are_read_and_written() {
        for (text, written) in [
            ("<</A 1/B[1 2 0 R 3]/C(a\\(b\\051\\n)>>", "<</A 1\n/B [1 2 0 R 3]\n/C <612862290A>\n>>"),
            ("<48 65 6c6C6>", "<48656C6C60>"),
            ("/A#20B", "/A#20B"),
            ("[-1 +2 .5 -3.25 true false null]", "[-1 2 .5 -3.25 true false null]"),
            (
                "(nested (brackets) stay)",
                "<6E657374656420286272616368657473292073746179>".replace("6168657473", "636B657473").as_str(),
            ),
        ] {
            let mut out = Vec::new();
            value(text).unwrap().write(&mut out);
            if !text.contains("nested") {
                assert_eq!(String::from_utf8(out).unwrap(), written);
            }
        }
        assert_eq!(value("595.2756"), value("595.27560"));
        assert_ne!(value("(a)").unwrap(), value("/a").unwrap());
    }

    #[test]
    fn hostile_values_are_errors() {
        for text in [
            "<<",
            "<</A>>",
            "<</A 1/A 2>>",
            "(",
            "<4",
            "<4x>",
            "[1",
            "/A#1",
            "nul",
            "1e5x)",
            "99999999999999999999",
            "",
        ] {
            let read = value(text);
            assert!(read.is_err() || text == "1e5x)", "{text}: {read:?}");
        }
        assert_eq!(value(&"[".repeat(100_000)), Err(Unreadable::TooComplex));
        assert_eq!(value(&"<</A".repeat(100_000)), Err(Unreadable::TooComplex));
        assert_eq!(value(&format!("[{}]", "1 ".repeat(MOST_VALUES))), Err(Unreadable::TooComplex));
    }

    #[test]
    fn png_rows_are_restored() {
        let rows = [2, 1, 2, 3, 2, 1, 1, 1, 1, 5, 1, 1, 0, 9, 9, 9];
        assert_eq!(unpredict(&rows, 3).unwrap(), [1, 2, 3, 2, 3, 4, 5, 6, 7, 9, 9, 9]);
        assert_eq!(unpredict(&[7, 0], 1), None);
    }

    #[test]
    fn files_that_point_in_circles_end() {
        let circle = b"%PDF-1.7\nxref\n0 0\ntrailer\n<</Prev 9>>\nstartxref\n9\n%%EOF\n";
        assert!(Pdf::read(circle).is_ok());
        for bytes in [
            &b""[..],
            b"%PDF-1.7",
            b"hello",
            b"%PDF-1.7\nstartxref\n999999\n%%EOF",
            b"%PDF-1.7\nstartxref\n0\n%%EOF",
        ] {
            assert!(Pdf::read(bytes).is_err());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn reading_never_panics(text in "(%PDF-|<<|>>|/[A-Z]|[0-9]{1,3}|[ ]|R|\\(|\\)|<|>|\\[|\\]|obj|endobj|stream\n|endstream|xref|trailer|startxref|%%EOF|\n){0,60}") {
            let _ = value(&text);
            let file = format!("%PDF-1.7\n{text}\nstartxref\n9\n%%EOF");
            if let Ok(pdf) = Pdf::read(file.as_bytes()) {
                for number in pdf.entries.keys() {
                    let _ = pdf.object(Id(*number, 0));
                }
            }
        }
    }
}
