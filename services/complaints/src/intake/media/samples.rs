//! Files as devices and programs write them, each with a mark where it may not stay. For tests, here and from outside.

/// What each of them tells beside what is seen and heard.
pub(crate) const MARK: &str = "KAMERA-SITI";
/// What is seen or heard: it has to stay.
pub(crate) const SHOWN: &str = "YANG-TERLIHAT";

/// One of each kind, by its media type.
pub(crate) fn all(photo: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("application/pdf", pdf(photo, "", "")),
        ("audio/ogg", opus()),
        ("audio/mpeg", mpeg()),
        ("audio/aac", adts()),
        ("audio/amr", amr()),
        ("audio/m4a", film(b"M4A ", Vec::new())),
        ("video/mp4", film(b"mp42", Vec::new())),
        ("video/3gpp", film(b"3gp4", Vec::new())),
        ("video/quicktime", film(b"qt  ", Vec::new())),
    ]
}

/// Those that cannot be cleaned: locked, with files in it, streamed, of a codec nobody knows.
pub(crate) fn closed(photo: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let locked = "/Encrypt << /Filter /Standard /V 1 /R 2 /O (12345678901234567890123456789012) \
                  /U (12345678901234567890123456789012) /P -4 >>";
    let carrying = "/Lampiran << /Type /Filespec /EF << /F 7 0 R >> >>";
    vec![
        ("application/pdf", pdf(photo, locked, "")),
        ("application/pdf", pdf(photo, "", carrying)),
        ("audio/ogg", pages(&[format!("fLaC {MARK}").as_bytes(), SHOWN.as_bytes()])),
        ("video/mp4", film(b"mp42", part(b"moof", MARK.as_bytes()))),
    ]
}

fn pdf(photo: &[u8], trailer: &str, catalogue: &str) -> Vec<u8> {
    let stream = |dictionary: &str, content: &[u8]| {
        let head = format!("<< {dictionary} /Length {} >>\nstream\n", content.len());
        [head.as_bytes(), content, b"\nendstream"].concat()
    };
    let xmp = format!("<x:xmpmeta><dc:creator>{MARK}</dc:creator></x:xmpmeta>");
    let page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R /LastModified (D:2026) /Annots [9 0 R] \
                /Resources << /Font << /F1 5 0 R >> /XObject << /Foto 6 0 R >> >> \
                /PieceInfo << /Program << /Private (KAMERA-SITI) >> >> >>";
    let objects: Vec<Vec<u8>> = vec![
        format!("<< /Type /Catalog /Pages 2 0 R /Metadata 7 0 R {catalogue} >>").into_bytes(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        page.as_bytes().to_vec(),
        stream(
            "",
            format!("BT /F1 12 Tf 20 100 Td ({SHOWN}) Tj ET q 50 0 0 50 0 0 cm /Foto Do Q").as_bytes(),
        ),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
        stream(
            "/Type /XObject /Subtype /Image /Width 8 /Height 8 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode",
            photo,
        ),
        stream("/Type /Metadata /Subtype /XML", xmp.as_bytes()),
        format!("<< /Author ({MARK}) /Creator ({MARK}) /Producer ({MARK}) /CreationDate (D:20261123) >>")
            .into_bytes(),
        format!(
            "<< /Type /Annot /Subtype /Text /Rect [0 0 9 9] /Contents (Catatan) /T ({MARK}) /M (D:2026) >>"
        )
        .into_bytes(),
    ];
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        offsets.push(out.len());
        out.extend(format!("{number} 0 obj\n").bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let table = out.len();
    let size = objects.len() + 1;
    out.extend(format!("xref\n0 {size}\n0000000000 65535 f \n").bytes());
    for offset in offsets {
        out.extend(format!("{offset:010} 00000 n \n").bytes());
    }
    out.extend(
        format!("trailer\n<< /Size {size} /Root 1 0 R /Info 8 0 R {trailer} >>\nstartxref\n{table}\n%%EOF\n")
            .bytes(),
    );
    // What an editor leaves behind.
    out.extend(format!("% {MARK}\n").bytes());
    out
}

fn part(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len() + 8).expect("a small box");
    [size.to_be_bytes().as_slice(), name, content].concat()
}

/// A film with a way of the camera beside it; `more` stands after the film itself.
fn film(brand: &[u8; 4], more: Vec<u8>) -> Vec<u8> {
    let kind = part(b"ftyp", &[brand.as_slice(), b"\0\0\0\0", brand].concat());
    let (seen, way, lost) = (SHOWN.as_bytes(), MARK.as_bytes(), MARK.as_bytes());
    let start = kind.len() + 8;
    let data = part(b"mdat", &[seen, way, lost].concat());
    let place = part(b"udta", &part(b"\xA9xyz", format!("-3.12+102.23/{MARK}").as_bytes()));
    let movie = [
        part(b"mvhd", &[[0; 4].as_slice(), b"20262026", &[0; 88]].concat()),
        track(b"vide", (start, seen.len()), &place),
        track(b"meta", (start + seen.len(), way.len()), &[]),
        place,
        part(b"meta", MARK.as_bytes()),
    ];
    let properties = part(b"uuid", &[[0xBE; 16].as_slice(), MARK.as_bytes()].concat());
    let room = part(b"free", MARK.as_bytes());
    [kind, data, part(b"moov", &movie.concat()), properties, room, more].concat()
}

fn track(handler: &[u8; 4], (offset, size): (usize, usize), more: &[u8]) -> Vec<u8> {
    let number = |it: usize| u32::try_from(it).expect("a small number").to_be_bytes();
    let handler = [[0; 8].as_slice(), handler, b"SITI", &[0; 8], MARK.as_bytes(), b"\0"].concat();
    let mut entry = vec![0; 78];
    entry[12..16].copy_from_slice(b"SITI");
    entry[42..42 + MARK.len()].copy_from_slice(MARK.as_bytes());
    let entry = [entry, part(b"avcC", &[1; 7]), part(b"uuid", MARK.as_bytes())].concat();
    let one = [[0; 4].as_slice(), &number(1)].concat();
    let link = part(b"url ", &[[0, 0, 0, 1].as_slice(), MARK.as_bytes()].concat());
    let table = [
        part(b"stsd", &[one.clone(), part(b"avc1", &entry)].concat()),
        part(b"stts", &[one.clone(), number(1).to_vec(), number(1).to_vec()].concat()),
        part(b"stsc", &[one.clone(), number(1).to_vec(), number(1).to_vec(), number(1).to_vec()].concat()),
        part(b"stsz", &[vec![0; 8], number(1).to_vec(), number(size).to_vec()].concat()),
        part(b"stco", &[one.clone(), number(offset).to_vec()].concat()),
    ];
    let information = [
        part(b"vmhd", &[0; 12]),
        part(b"dinf", &part(b"dref", &[one, link].concat())),
        part(b"stbl", &table.concat()),
    ];
    let media = [
        part(b"mdhd", &[[0; 4].as_slice(), b"20262026", &[0; 12]].concat()),
        part(b"hdlr", &handler),
        part(b"minf", &information.concat()),
    ];
    let head = part(b"tkhd", &[[0; 4].as_slice(), b"20262026", &[0; 72]].concat());
    part(b"trak", &[head, part(b"mdia", &media.concat()), more.to_vec()].concat())
}

/// A frame of a length, with a text in it.
fn frame(head: &[u8], text: &str, length: usize) -> Vec<u8> {
    let mut frame = [head, text.as_bytes()].concat();
    frame.resize(length, 0x55);
    frame
}

/// The tag of old players, at the end.
fn tail() -> Vec<u8> {
    frame(b"TAG", MARK, 128)
}

fn mpeg() -> Vec<u8> {
    let head = [0xFF, 0xFB, 0x90, 0x00];
    let tag = [b"ID3\x03\0\0\0\0\0\x20".as_slice(), &frame(b"TPE1", MARK, 32)].concat();
    // 128 kbit/s at 44.1 kHz.
    let note = frame(&head, &format!("Info LAME {MARK}"), 417);
    [tag, note, frame(&head, SHOWN, 417), frame(&head, "", 417), tail()].concat()
}

fn adts() -> Vec<u8> {
    let head = [0xFF, 0xF1, 0x50, 0x80, 100 >> 3, (100 & 7) << 5 | 0x1F, 0xFC];
    [frame(&head, SHOWN, 100), frame(&head, "", 100), frame(&head, "", 100), tail()].concat()
}

fn amr() -> Vec<u8> {
    // 12.2 kbit/s.
    let speech = |text| frame(&[0x3C], text, 32);
    [b"#!AMR\n".to_vec(), speech(SHOWN), speech(""), MARK.as_bytes().to_vec()].concat()
}

fn opus() -> Vec<u8> {
    let mut tags = b"OpusTags".to_vec();
    for (size, text) in [(MARK.len(), MARK), (1, ""), (MARK.len() + 7, &format!("ARTIST={MARK}"))] {
        tags.extend(u32::try_from(size).expect("a small number").to_le_bytes());
        tags.extend(text.bytes());
    }
    pages(&[b"OpusHead\x01\x01\0\0\x80\xBB\0\0\0\0\0", &tags, SHOWN.as_bytes()])
}

/// Packets in an Ogg, each on a page of its own.
fn pages(packets: &[&[u8]]) -> Vec<u8> {
    use ogg::PacketWriteEndInfo::{EndPage, EndStream};
    let mut out = Vec::new();
    let mut writer = ogg::PacketWriter::new(&mut out);
    for (number, packet) in packets.iter().enumerate() {
        let end = if number + 1 == packets.len() { EndStream } else { EndPage };
        writer.write_packet(packet.to_vec(), 7, end, 960 * number as u64).expect("written to memory");
    }
    drop(writer);
    out
}
