//! Films and recordings in boxes (ISO/IEC 14496-12, `QuickTime`, 3GPP).
//!
//! Nothing moves: a box that is not on the list becomes a free one of the same size, filled with zeros, and so does every
//! byte of the media that no picture and no sound lies in. The tables of offsets stay true, and a player finds what it needs
//! where it was. Tracks that are neither seen nor heard (the way of a camera, timed notes) go with their samples. Films that
//! are streamed in fragments are left alone: no telephone records them.

use std::ops::Range;

/// A box: what it is, and where its content lies.
struct Part {
    name: [u8; 4],
    start: usize,
    content: Range<usize>,
}

/// What a box is for.
enum Use {
    /// It stays as it is.
    Keep,
    /// Of what is in it, this stays.
    Within(fn(&[u8; 4]) -> Use),
    /// It stays with some of its bytes made zero.
    Mend(fn(&mut [u8])),
    /// Entries that have the shape of boxes, after so many bytes of its own.
    Entries(usize, fn(&[u8; 4], &mut [u8], Brand) -> Option<()>),
    /// It goes.
    Drop,
    /// The film is of a kind that is not cleaned.
    Refuse,
}

/// Who defined the shape of what both call by one name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Brand {
    QuickTime,
    Other,
}

/// The film without what was written beside it.
pub(super) fn clean(content: &[u8]) -> Option<Vec<u8>> {
    let mut film = content.to_vec();
    let whole = 0..film.len();
    let brand = if film.get(4..12) == Some(b"ftypqt  ") || film.get(4..8) != Some(b"ftyp") {
        Brand::QuickTime
    } else {
        Brand::Other
    };
    let mut kept = Vec::new();
    for part in parts(&film, whole.clone())? {
        if &part.name == b"moov" {
            for track in parts(&film, part.content)?.iter().filter(|it| &it.name == b"trak") {
                match samples(&film, track)? {
                    Some(ranges) => kept.extend(ranges),
                    None => erase(&mut film, track),
                }
            }
        }
    }
    if kept.is_empty() {
        return None;
    }
    tidy(&mut film, whole.clone(), top, brand)?;
    kept.sort_unstable_by_key(|it| it.start);
    blank(&mut film, whole, &kept)?;
    Some(film)
}

/// The boxes in a range. `None` if it holds something else.
fn parts(film: &[u8], within: Range<usize>) -> Option<Vec<Part>> {
    let mut found = Vec::new();
    let mut at = within.start;
    while at < within.end {
        // QuickTime ends some lists by four bytes of zero.
        if within.end - at < 8 {
            return film[at..within.end].iter().all(|it| *it == 0).then_some(found);
        }
        let name = film.get(at + 4..at + 8)?.try_into().ok()?;
        let (head, size) = match number(film, at, 4)? {
            0 => (8, within.end - at),
            1 => (16, number(film, at + 8, 8)?),
            size => (8, size),
        };
        let end = at.checked_add(size).filter(|end| size >= head && *end <= within.end)?;
        found.push(Part { name, start: at, content: at + head..end });
        at = end;
    }
    Some(found)
}

fn number(film: &[u8], at: usize, bytes: usize) -> Option<usize> {
    let read = film.get(at..at.checked_add(bytes)?)?;
    read.iter().try_fold(0_usize, |sum, byte| Some(sum.checked_mul(256)? + usize::from(*byte)))
}

/// Makes a box a free one.
fn erase(film: &mut [u8], part: &Part) {
    film[part.start + 4..part.start + 8].copy_from_slice(b"free");
    film[part.content.clone()].fill(0);
}

fn tidy(film: &mut [u8], within: Range<usize>, list: fn(&[u8; 4]) -> Use, brand: Brand) -> Option<()> {
    for part in parts(film, within)? {
        match list(&part.name) {
            Use::Keep => {}
            Use::Within(list) => tidy(film, part.content, list, brand)?,
            Use::Mend(mend) => mend(&mut film[part.content]),
            Use::Entries(own, mend) => {
                let entries = part.content.start.checked_add(own).filter(|it| *it <= part.content.end)?;
                for entry in parts(film, entries..part.content.end)? {
                    mend(&entry.name, &mut film[entry.content], brand)?;
                }
            }
            Use::Drop => erase(film, &part),
            Use::Refuse => return None,
        }
    }
    Some(())
}

fn top(name: &[u8; 4]) -> Use {
    match name {
        b"ftyp" | b"mdat" => Use::Keep,
        b"moov" => Use::Within(movie),
        b"moof" | b"styp" | b"sidx" => Use::Refuse,
        _ => Use::Drop,
    }
}

fn movie(name: &[u8; 4]) -> Use {
    match name {
        b"mvhd" => Use::Mend(times),
        b"trak" => Use::Within(track),
        b"mvex" | b"cmov" => Use::Refuse,
        _ => Use::Drop,
    }
}

fn track(name: &[u8; 4]) -> Use {
    match name {
        b"tkhd" => Use::Mend(times),
        b"edts" => Use::Within(|name| if name == b"elst" { Use::Keep } else { Use::Drop }),
        b"mdia" => Use::Within(media),
        _ => Use::Drop,
    }
}

fn media(name: &[u8; 4]) -> Use {
    match name {
        b"mdhd" => Use::Mend(times),
        b"hdlr" => Use::Mend(handler),
        b"minf" => Use::Within(information),
        _ => Use::Drop,
    }
}

fn information(name: &[u8; 4]) -> Use {
    match name {
        b"vmhd" | b"smhd" => Use::Keep,
        b"hdlr" => Use::Mend(handler),
        b"dinf" => Use::Within(|name| if name == b"dref" { Use::Entries(8, reference) } else { Use::Drop }),
        b"stbl" => Use::Within(table),
        _ => Use::Drop,
    }
}

fn table(name: &[u8; 4]) -> Use {
    match name {
        b"stsd" => Use::Entries(8, described),
        b"stts" | b"ctts" | b"cslg" | b"stss" | b"stps" | b"sdtp" | b"stsc" | b"stsz" | b"stz2" | b"stco"
        | b"co64" | b"sgpd" | b"sbgp" => Use::Keep,
        _ => Use::Drop,
    }
}

/// When it was made and changed: in a header after its version and flags.
fn times(content: &mut [u8]) {
    let end = if content.first() == Some(&1) { 20 } else { 12 };
    let end = end.min(content.len());
    content[end.min(4)..end].fill(0);
}

/// A handler keeps what it handles; its maker and its name go.
fn handler(content: &mut [u8]) {
    let end = content.len();
    content[end.min(12)..].fill(0);
}

/// Where the media lies: in this file, or the film is none that can be shown. What else stands there is a path.
fn reference(_name: &[u8; 4], content: &mut [u8], _brand: Brand) -> Option<()> {
    let here = content.get(3)? & 1 == 1;
    content.get_mut(4..)?.fill(0);
    here.then_some(())
}

/// How samples are coded. What both kinds of entries begin with is a version and, in `QuickTime`, a vendor.
fn described(name: &[u8; 4], content: &mut [u8], brand: Brand) -> Option<()> {
    let version = number(content, 8, 2)?;
    content.get_mut(12..16)?.fill(0);
    let inner = match name {
        b"avc1" | b"avc3" | b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" | b"av01" | b"vp08" | b"vp09" | b"mp4v"
        | b"s263" | b"jpeg" | b"mjpa" => {
            // The name of the encoder.
            content.get_mut(42..74)?.fill(0);
            78
        }
        b"mp4a" | b"samr" | b"sawb" | b"alac" | b"ac-3" | b"ec-3" | b"Opus" | b".mp3" | b"sowt" | b"twos"
        | b"lpcm" | b"ulaw" | b"alaw" => match (brand, version) {
            (Brand::QuickTime, 1) => 44,
            (Brand::QuickTime, 2) => 64,
            _ => 28,
        },
        _ => return None,
    };
    let end = content.len();
    tidy(content, inner.min(end)..end, coding, brand)
}

fn coding(name: &[u8; 4]) -> Use {
    match name {
        b"avcC" | b"hvcC" | b"av1C" | b"vpcC" | b"dvcC" | b"dvvC" | b"esds" | b"pasp" | b"colr" | b"clap"
        | b"fiel" | b"gama" | b"btrt" | b"chan" | b"alac" | b"dac3" | b"dec3" | b"dOps" | b"frma"
        | b"enda" | b"mp4a" => Use::Keep,
        // The end of a list.
        b"\0\0\0\0" => Use::Mend(|content| content.fill(0)),
        // A vendor, then what a decoder needs.
        b"damr" | b"d263" => Use::Mend(|content| {
            let end = content.len().min(4);
            content[..end].fill(0);
        }),
        b"wave" => Use::Within(coding),
        _ => Use::Drop,
    }
}

/// Where the samples of a track lie; none if it is neither seen nor heard.
fn samples(film: &[u8], track: &Part) -> Option<Option<Vec<Range<usize>>>> {
    let media = inside(film, &track.content, b"mdia")?;
    let handler = inside(film, &media, b"hdlr")?;
    if !matches!(film.get(handler.start + 8..handler.start + 12)?, b"vide" | b"soun") {
        return Some(None);
    }
    let information = inside(film, &media, b"minf")?;
    let tables = inside(film, &information, b"stbl")?;
    let sizes = sizes(film, &tables)?;
    let chunks = chunks(film, &tables)?;
    let runs = inside(film, &tables, b"stsc")?;
    let count = entries(film, &runs, 4, 12)?;
    let (mut ranges, mut sample, mut run) = (Vec::new(), 0, 0);
    for (number_of, offset) in (1_usize..).zip(chunks) {
        while run + 1 < count && number(film, runs.start + 8 + (run + 1) * 12, 4)? <= number_of {
            run += 1;
        }
        if count == 0 || sample >= sizes.count {
            break;
        }
        let many = number(film, runs.start + 8 + run * 12 + 4, 4)?.min(sizes.count - sample);
        let end = offset.checked_add(sizes.sum(film, sample, many)?).filter(|end| *end <= film.len())?;
        ranges.push(offset..end);
        sample += many;
    }
    Some(Some(ranges))
}

fn inside(film: &[u8], within: &Range<usize>, name: &[u8; 4]) -> Option<Range<usize>> {
    parts(film, within.clone())?.into_iter().find(|it| &it.name == name).map(|it| it.content)
}

/// How many entries of a size a table has, whose number stands at a place and which fit into it.
fn entries(film: &[u8], table: &Range<usize>, at: usize, size: usize) -> Option<usize> {
    let count = number(film, table.start + at, 4)?;
    let room = table.len().checked_sub(at + 4)?;
    (count.checked_mul(size)? <= room).then_some(count)
}

/// The sizes of samples.
struct Sizes {
    count: usize,
    /// Of each, if they are all alike.
    each: usize,
    /// Where they stand, and how many bits each takes.
    listed: (usize, usize),
}

fn sizes(film: &[u8], tables: &Range<usize>) -> Option<Sizes> {
    if let Some(table) = inside(film, tables, b"stsz") {
        let (each, count) = (number(film, table.start + 4, 4)?, number(film, table.start + 8, 4)?);
        if each == 0 {
            entries(film, &table, 8, 4)?;
        }
        return Some(Sizes { count, each, listed: (table.start + 12, 32) });
    }
    let table = inside(film, tables, b"stz2")?;
    let (bits, count) = (number(film, table.start + 7, 1)?, number(film, table.start + 8, 4)?);
    let fits =
        matches!(bits, 4 | 8 | 16) && count.checked_mul(bits)?.div_ceil(8) <= table.len().checked_sub(12)?;
    fits.then_some(Sizes { count, each: 0, listed: (table.start + 12, bits) })
}

impl Sizes {
    /// How many bytes samples take together.
    fn sum(&self, film: &[u8], first: usize, many: usize) -> Option<usize> {
        if self.each > 0 {
            return many.checked_mul(self.each);
        }
        let (start, bits) = self.listed;
        (first..first + many).try_fold(0_usize, |sum, sample| {
            let size = if bits == 4 {
                let both = number(film, start + sample / 2, 1)?;
                if sample % 2 == 0 { both >> 4 } else { both & 15 }
            } else {
                number(film, start + sample * bits / 8, bits / 8)?
            };
            sum.checked_add(size)
        })
    }
}

/// Where chunks begin.
fn chunks(film: &[u8], tables: &Range<usize>) -> Option<Vec<usize>> {
    let (table, size) = match inside(film, tables, b"stco") {
        Some(table) => (table, 4),
        None => (inside(film, tables, b"co64")?, 8),
    };
    let count = entries(film, &table, 4, size)?;
    (0..count).map(|it| number(film, table.start + 8 + it * size, size)).collect()
}

/// Makes zero what lies in the media and is none of these ranges, which are in their order.
fn blank(film: &mut [u8], whole: Range<usize>, kept: &[Range<usize>]) -> Option<()> {
    let media = parts(film, whole)?.into_iter().filter(|it| &it.name == b"mdat").map(|it| it.content);
    let media: Vec<Range<usize>> = media.collect();
    // A sample beside the media would be one that was made zero already, or a part of the tables.
    let within = |it: &Range<usize>| {
        it.is_empty() || media.iter().any(|all| all.start <= it.start && it.end <= all.end)
    };
    if !kept.iter().all(within) {
        return None;
    }
    for all in &media {
        let mut at = all.start;
        for it in kept.iter().filter(|it| all.start <= it.start && it.end <= all.end) {
            if at < it.start {
                film[at..it.start].fill(0);
            }
            at = at.max(it.end);
        }
        film[at..all.end].fill(0);
    }
    Some(())
}
