//! A ZIP archive whose bytes follow from its content alone: stored, without compression, with one fixed time (APPNOTE.TXT
//! 6.3.10). The same files give the same archive on any machine.

/// 1 January 1980, 00:00: the beginning of time in a ZIP.
const DATE: u16 = 0x0021;
/// Version needed to extract: 2.0.
const VERSION: u16 = 20;
/// Bit 11: names are UTF-8.
const FLAGS: u16 = 0x0800;

/// Writes files in the order given.
pub(super) fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let offset = size(out.len());
        let common = common(name, content);
        out.extend_from_slice(&0x0403_4b50_u32.to_le_bytes());
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&common);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(content);
        directory.extend_from_slice(&0x0201_4b50_u32.to_le_bytes());
        // Made by and needed: 2.0 on MS-DOS.
        directory.extend_from_slice(&VERSION.to_le_bytes());
        directory.extend_from_slice(&VERSION.to_le_bytes());
        directory.extend_from_slice(&common);
        // No comment, first disk, no attributes.
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
    }
    let start = size(out.len());
    let count = u16::try_from(files.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&directory);
    out.extend_from_slice(&0x0605_4b50_u32.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&size(directory.len()).to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0; 2]);
    out
}

/// What the header of a file and its entry in the directory share.
fn common(name: &str, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&FLAGS.to_le_bytes());
    // Stored, midnight.
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&DATE.to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(content).to_le_bytes());
    out.extend_from_slice(&size(content.len()).to_le_bytes());
    out.extend_from_slice(&size(content.len()).to_le_bytes());
    out.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(&[0; 2]);
    out
}

fn size(bytes: usize) -> u32 {
    // A pack is far below 4 GiB: its answer must fit a message.
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_are_the_same_bytes_and_unzip_reads_them() {
        let files = vec![("a.txt".to_owned(), b"satu".to_vec()), ("ü.csv".to_owned(), b"dua\n".to_vec())];
        let bytes = zip(&files);
        assert_eq!(bytes, zip(&files));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pack.zip");
        std::fs::write(&path, &bytes).unwrap();
        // Python's reader is on every machine that runs the tests of the suite.
        let script = "import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nprint([(i.filename,z.read(i).decode()) for i in z.infolist()])";
        let told = std::process::Command::new("python3").args(["-c", script]).arg(&path).output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        assert_eq!(String::from_utf8_lossy(&told.stdout).trim(), "[('a.txt', 'satu'), ('ü.csv', 'dua\\n')]");
    }
}
