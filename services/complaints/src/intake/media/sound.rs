//! Recordings: the frames of sound stay; tags, covers, comments and whatever stands between or after them go.

use std::io::Cursor;

use ogg::{PacketReader, PacketWriteEndInfo, PacketWriter};

/// MP3, or layer II: its frames.
pub(super) fn mpeg(content: &[u8]) -> Option<Vec<u8>> {
    frames(content, mpeg_frame).map(|found| {
        // The first one may be silence that holds a note of the encoder.
        let note = |frame: &[u8]| {
            let head = &frame[..frame.len().min(64)];
            [b"Xing", b"Info", b"VBRI"].iter().any(|name| head.windows(4).any(|it| it == *name))
        };
        let skipped = usize::from(found.first().is_some_and(|it| note(it)));
        found[skipped..].concat()
    })
}

/// AAC as it is streamed: its frames.
pub(super) fn adts(content: &[u8]) -> Option<Vec<u8>> {
    frames(content, adts_frame).map(|it| it.concat())
}

/// AMR, narrow band: its frames.
pub(super) fn amr(content: &[u8]) -> Option<Vec<u8>> {
    const MAGIC: &[u8] = b"#!AMR\n";
    /// Bytes of speech by the type of a frame (RFC 4867, section 5.3); 9 to 14 are not used.
    const SIZES: [Option<usize>; 16] = [
        Some(12),
        Some(13),
        Some(15),
        Some(17),
        Some(19),
        Some(20),
        Some(26),
        Some(31),
        Some(5),
        None,
        None,
        None,
        None,
        None,
        None,
        Some(0),
    ];
    let mut rest = content.strip_prefix(MAGIC)?;
    let mut kept = MAGIC.to_vec();
    while let Some(head) = rest.first() {
        let size = SIZES[usize::from(head >> 3 & 0x0F)].filter(|_| head & 0x83 == 0);
        // What follows the last frame is no sound.
        let Some(frame) = size.and_then(|size| rest.get(..=size)) else { break };
        kept.extend_from_slice(frame);
        rest = &rest[frame.len()..];
    }
    (kept.len() > MAGIC.len()).then_some(kept)
}

/// Opus and Vorbis in Ogg: every packet but the comments.
pub(super) fn ogg(content: &[u8]) -> Option<Vec<u8>> {
    let mut reader = PacketReader::new(Cursor::new(content));
    let mut out = Vec::with_capacity(content.len());
    let mut writer = PacketWriter::new(&mut out);
    // Streams that have begun, with how many packets of each were seen.
    let mut streams: Vec<(u32, Codec, u32)> = Vec::new();
    while let Some(packet) = reader.read_packet().ok()? {
        let serial = packet.stream_serial();
        let known = streams.iter_mut().find(|(it, ..)| *it == serial).filter(|_| !packet.first_in_stream());
        let (codec, number) = match known {
            Some((_, codec, seen)) => {
                *seen += 1;
                (*codec, *seen)
            }
            None => {
                let codec = Codec::of(&packet.data)?;
                streams.retain(|(it, ..)| *it != serial);
                streams.push((serial, codec, 0));
                (codec, 0)
            }
        };
        let end = if packet.last_in_stream() {
            PacketWriteEndInfo::EndStream
        } else if packet.last_in_page() {
            PacketWriteEndInfo::EndPage
        } else {
            PacketWriteEndInfo::NormalPacket
        };
        let granule = packet.absgp_page();
        let data = if number == 1 { codec.no_comments().to_vec() } else { packet.data };
        writer.write_packet(data, serial, end, granule).ok()?;
    }
    (!streams.is_empty()).then_some(out)
}

/// What is in an Ogg.
#[derive(Debug, Clone, Copy)]
enum Codec {
    Opus,
    Vorbis,
}

impl Codec {
    fn of(first: &[u8]) -> Option<Self> {
        if first.starts_with(b"OpusHead") {
            Some(Self::Opus)
        } else if first.starts_with(b"\x01vorbis") {
            Some(Self::Vorbis)
        } else {
            None
        }
    }

    /// Its second packet when nothing is to be said: a vendor without a name, and no comments.
    fn no_comments(self) -> &'static [u8] {
        match self {
            Self::Opus => b"OpusTags\0\0\0\0\0\0\0\0",
            Self::Vorbis => b"\x03vorbis\0\0\0\0\0\0\0\0\x01",
        }
    }
}

/// What all frames of one recording share, and how long this one is.
type Frame = (u32, usize);

/// The frames of a stream. Where none stands, the next place is looked for at which two of the same kind follow each other:
/// bytes of a tag that look like one do not.
fn frames(content: &[u8], read: impl Fn(&[u8]) -> Option<Frame>) -> Option<Vec<&[u8]>> {
    let whole = |at: usize| {
        let (kind, length) = read(content.get(at..)?)?;
        content.get(at..at + length).map(|frame| (kind, frame))
    };
    let (mut found, mut at, mut lost) = (Vec::new(), tags(content), true);
    let mut like: Option<u32> = None;
    while at < content.len() {
        let here = whole(at).filter(|(kind, _)| like.is_none_or(|it| it == *kind));
        let sure = |kind: u32, end: usize| whole(end).is_some_and(|(next, _)| next == kind);
        match here {
            Some((kind, frame)) if !lost || sure(kind, at + frame.len()) => {
                like = Some(kind);
                found.push(frame);
                at += frame.len();
                lost = false;
            }
            Some(_) | None => {
                at += 1;
                lost = true;
            }
        }
    }
    (!found.is_empty()).then_some(found)
}

/// How many bytes the ID3v2 tags at the beginning take.
fn tags(content: &[u8]) -> usize {
    let mut at = 0;
    while let Some([b'I', b'D', b'3', _, _, flags, size @ ..]) = content.get(at..at + 10) {
        // Seven bits to a byte.
        let size = size.iter().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7F));
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        at += 10 + size + footer;
    }
    at
}

/// A frame of MPEG audio, layer II or III (ISO/IEC 11172-3, 13818-3).
fn mpeg_frame(rest: &[u8]) -> Option<Frame> {
    const MPEG_1_LAYER_3: [usize; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const MPEG_1_LAYER_2: [usize; 15] = [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];
    const MPEG_2: [usize; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    let head = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?);
    if head >> 21 != 0x7FF {
        return None;
    }
    let (version, layer) = (head >> 19 & 3, head >> 17 & 3);
    let (rate, bits) = match (version, layer) {
        (3, 1) => (44_100, &MPEG_1_LAYER_3),
        (3, 2) => (44_100, &MPEG_1_LAYER_2),
        (2, 1 | 2) => (22_050, &MPEG_2),
        (0, 1 | 2) => (11_025, &MPEG_2),
        _ => return None,
    };
    let rate = match head >> 10 & 3 {
        0 => rate,
        1 => rate * 160 / 147,
        2 => rate * 320 / 441,
        _ => return None,
    };
    let bits = *bits.get(usize::try_from(head >> 12 & 15).ok()?).filter(|it| **it > 0)? * 1000;
    let samples = if version != 3 && layer == 1 { 576 } else { 1152 };
    let padding = usize::from(head >> 9 & 1 == 1);
    // Version, layer and rate are the same in all frames of a recording.
    Some((head & 0xFFFE_0C00, samples / 8 * bits / rate + padding))
}

/// A frame of AAC with its ADTS header (ISO/IEC 13818-7).
fn adts_frame(rest: &[u8]) -> Option<Frame> {
    let head: [u8; 7] = rest.get(..7)?.try_into().ok()?;
    if head[0] != 0xFF || head[1] & 0xF6 != 0xF0 {
        return None;
    }
    let length = usize::from(head[3] & 3) << 11 | usize::from(head[4]) << 3 | usize::from(head[5] >> 5);
    let kind = u32::from(head[1]) << 16 | u32::from(head[2] & 0xFD) << 8 | u32::from(head[3] & 0xC0);
    (length > 7).then_some((kind, length))
}
