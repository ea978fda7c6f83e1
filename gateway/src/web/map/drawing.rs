//! The picture of a map: squares or cases as circles over lines of the globe, with a scale and names of villages. Drawn by the
//! server, and every circle is a link with words.

use mpp_kit::fault::Language;
use mpp_proto::complaints::v1::MapCell;

use crate::web::{complaints::Ground, visit::Visit};

/// The picture. Places are per cent of its width and height, so that circles and letters keep their size on every screen.
#[derive(Default)]
pub(super) struct Drawing {
    pub(super) dots: Vec<Dot>,
    pub(super) names: Vec<Label>,
    pub(super) meridians: Vec<Line>,
    pub(super) parallels: Vec<Line>,
    pub(super) scale: f64,
    pub(super) scale_words: String,
    /// Whether dots are cases instead of squares.
    pub(super) single: bool,
    /// Whether the place of some of them is lowered.
    pub(super) lowered: bool,
}

pub(super) struct Dot {
    pub(super) x: f64,
    pub(super) y: f64,
    /// Radius in pixels.
    pub(super) r: u32,
    pub(super) label: String,
    pub(super) address: String,
    pub(super) words: String,
    pub(super) lowered: bool,
    pub(super) small: bool,
}

pub(super) struct Label {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) anchor: &'static str,
    pub(super) text: String,
}

pub(super) struct Line {
    pub(super) at: f64,
    pub(super) label: String,
}

/// A square as the contract names it: south, west and side, in hundredths of a degree. A place belongs where it is rounded to, so
/// the first row begins half of a hundredth before.
#[derive(Clone, Copy)]
pub(super) struct Square {
    south: f64,
    west: f64,
    side: f64,
    numbers: (i32, i32, i32),
}

impl Square {
    pub(super) fn read(name: &str) -> Option<Self> {
        let numbers: Vec<i32> = name.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
        let &[south, west, side] = numbers.as_slice() else { return None };
        let degrees = |hundredths: i32| f64::from(hundredths) / 100.0;
        (side > 0).then(|| Self {
            south: degrees(south) - 0.005,
            west: degrees(west) - 0.005,
            side: degrees(side),
            numbers: (south, west, side),
        })
    }

    /// The square of three by three around it; `None` where one is wide enough for every province.
    pub(super) fn wider(self) -> Option<String> {
        const WIDEST: i32 = 1_000;
        let (south, west, side) = self.numbers;
        let wider = || {
            format!("{},{},{}", south.saturating_sub(side), west.saturating_sub(side), side.saturating_mul(3))
        };
        (side < WIDEST).then(wider)
    }

    /// Whether nothing finer can be drawn of it.
    pub(super) fn is_finest(self) -> bool {
        self.numbers.2 == 1
    }

    pub(super) fn middle(self) -> (f64, f64) {
        (self.south + self.side / 2.0, self.west + self.side / 2.0)
    }

    /// From the left and the top, in per cent.
    fn place(self, (latitude, longitude): (f64, f64)) -> (f64, f64) {
        ((longitude - self.west) / self.side * 100.0, 100.0 - (latitude - self.south) / self.side * 100.0)
    }

    /// Its width in kilometres, on a sphere of 6371 km. Everywhere in Indonesia its height differs from that by less than two per
    /// cent: it lies within eleven degrees of the equator.
    fn kilometres(self) -> f64 {
        6_371.0 * self.side.to_radians() * self.middle().0.to_radians().cos()
    }
}

/// A number of degrees in words, such as "3,79° LS".
fn degrees(value: f64, (positive, negative): (&str, &str), digits: usize, language: Language) -> String {
    let written = format!("{:.digits$}", value.abs());
    let written = match language {
        Language::Id => written.replace('.', ","),
        Language::En => written,
    };
    format!("{written}° {}", if value < 0.0 { negative } else { positive })
}

fn latitude(value: f64, digits: usize, visit: &Visit) -> String {
    let t = visit.words();
    degrees(value, (&t["map.north"], &t["map.south"]), digits, visit.language)
}

fn longitude(value: f64, digits: usize, visit: &Visit) -> String {
    let t = visit.words();
    degrees(value, (&t["map.east"], &t["map.west"]), digits, visit.language)
}

pub(super) fn point((north, east): (f64, f64), visit: &Visit) -> String {
    format!("{} {}", latitude(north, 2, visit), longitude(east, 2, visit))
}

/// The largest of 1, 2, 5, 10, … times a unit that is at most so much.
fn round_step(most: f64) -> f64 {
    let decade = 10_f64.powf(most.log10().floor());
    [5.0, 2.0, 1.0]
        .into_iter()
        .map(|step| step * decade)
        .find(|step| *step <= most * 1.000_001)
        .unwrap_or(decade)
}

/// Lines of whole degrees or parts of them, from one edge to the other.
fn lines(from: f64, side: f64, words: impl Fn(f64, usize) -> String) -> (f64, Vec<(f64, String)>) {
    let step = round_step(side / 2.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 4")]
    let digits = (-step.log10().floor()).clamp(0.0, 4.0) as usize;
    let mut found = Vec::new();
    let mut at = (from / step).ceil() * step;
    while at < from + side {
        found.push((at, words(at, digits)));
        at += step;
    }
    (step, found)
}

/// How wide a circle is that stands for so many cases: wide enough for a finger, and wider for more.
fn radius(count: i64) -> u32 {
    match count {
        ..10 => 13,
        10..100 => 15,
        _ => 17,
    }
}

/// The frame of a picture: lines of the globe and a scale.
fn frame(square: Square, visit: &Visit) -> Drawing {
    let (_, parallels) = lines(square.south, square.side, |at, digits| latitude(at, digits, visit));
    let (_, meridians) = lines(square.west, square.side, |at, digits| longitude(at, digits, visit));
    let kilometres = square.kilometres();
    let long = round_step(kilometres / 3.0);
    let (length, unit) = if long < 1.0 { (long * 1_000.0, "m") } else { (long, "km") };
    // A line at an edge has no room for its words.
    let within =
        |lines: Vec<Line>, to: f64| lines.into_iter().filter(|line| (4.0..to).contains(&line.at)).collect();
    let meridians = meridians
        .into_iter()
        .map(|(at, label)| Line { at: square.place((square.south, at)).0, label })
        .collect();
    let parallels = parallels
        .into_iter()
        .map(|(at, label)| Line { at: square.place((at, square.west)).1, label })
        .collect();
    Drawing {
        meridians: within(meridians, 80.0),
        parallels: within(parallels, 90.0),
        scale: long / kilometres * 100.0,
        scale_words: format!("{length:.0} {unit}"),
        ..Drawing::default()
    }
}

/// What a square is called: the villages of its cases, or where it lies.
pub(super) fn called(cell: &MapCell, ground: &Ground, visit: &Visit) -> String {
    let names: Vec<String> = cell.village_codes.iter().map(|code| ground.village(code)).collect();
    if names.is_empty() { visit.words()["map.no_village"].clone() } else { names.join(", ") }
}

/// The squares of a map as circles.
pub(super) fn squares(
    square: Square,
    cells: &[MapCell],
    ground: &Ground,
    path: &str,
    visit: &Visit,
) -> Drawing {
    let mut drawing = frame(square, visit);
    let t = visit.words();
    for cell in cells {
        let Some(own) = Square::read(&cell.square) else { continue };
        // In the middle of its cases, but so far from its edges that no circle covers another.
        let near = |value: f64, from: f64| value.clamp(from + own.side * 0.4, from + own.side * 0.6);
        let (x, y) = square.place((near(cell.latitude, own.south), near(cell.longitude, own.west)));
        drawing.dots.push(Dot {
            x,
            y,
            r: radius(cell.count),
            label: cell.count.to_string(),
            address: format!("{path}petak={}", cell.square),
            words: t.say(
                "map.cell",
                &[
                    ("place", &called(cell, ground, visit)),
                    ("point", &point((cell.latitude, cell.longitude), visit)),
                    ("n", &cell.count),
                ],
            ),
            lowered: false,
            small: cell.count > 999,
        });
    }
    drawing.names = names(cells, &drawing.dots, ground);
    drawing
}

/// Names of villages under the squares with most cases, where there is room for them.
fn names(cells: &[MapCell], dots: &[Dot], ground: &Ground) -> Vec<Label> {
    const SHOWN: usize = 8;
    // In per cent of the picture: how wide a name is on a phone, and how high with its circle.
    let (wide, high) = (30.0, 11.0);
    let mut found: Vec<Label> = Vec::new();
    let mut order: Vec<usize> = (0..cells.len().min(dots.len())).collect();
    order.sort_by_key(|at| -cells[*at].count);
    for at in order {
        let Some(village) = cells[at].village_codes.first() else { continue };
        let (x, y) = (dots[at].x, dots[at].y + 7.5);
        let anchor = if x < 15.0 {
            "start"
        } else if x > 85.0 {
            "end"
        } else {
            "middle"
        };
        let x = match anchor {
            "start" => (x - 4.0).max(1.0),
            "end" => (x + 4.0).min(99.0),
            _ => x,
        };
        let covers = |other: (f64, f64), high: f64| (other.0 - x).abs() < wide && (other.1 - y).abs() < high;
        let taken = found.iter().any(|one| covers((one.x, one.y), high))
            || dots.iter().enumerate().any(|(other, dot)| {
                other != at && (dot.x - x).abs() < wide / 2.0 && (dot.y - y).abs() < high / 2.0
            });
        let name = ground.village(village);
        if taken || y > 94.0 || found.iter().any(|one| one.text == name) {
            continue;
        }
        found.push(Label { x, y, anchor, text: name });
        if found.len() == SHOWN {
            break;
        }
    }
    found
}

/// A case as it is drawn in the finest square.
pub(super) struct Single {
    pub(super) at: Option<(f64, f64)>,
    pub(super) lowered: bool,
    pub(super) address: String,
    pub(super) words: String,
}

/// The cases of the finest square, each for itself. Where a reporter is not shown nothing is known but the square: those stand in a
/// circle around its middle, told apart by their looks and in words.
pub(super) fn singles(square: Square, cases: Vec<Single>, visit: &Visit) -> Drawing {
    /// Between one and the next around the middle: the golden angle, so that no two stand on one another.
    const TURN: f64 = 2.399_963_229_728_653;
    let mut drawing = frame(square, visit);
    drawing.single = true;
    let mut hidden = 0_u32;
    for (index, one) in cases.into_iter().enumerate() {
        let (x, y) = if one.lowered {
            let (turn, far) = (f64::from(hidden) * TURN, (9.0 * f64::from(hidden).sqrt()).min(43.0));
            hidden += 1;
            (50.0 + far * turn.cos(), 50.0 + far * turn.sin())
        } else {
            let Some(at) = one.at else { continue };
            square.place(at)
        };
        drawing.lowered |= one.lowered;
        drawing.dots.push(Dot {
            x: x.clamp(5.0, 95.0),
            y: y.clamp(5.0, 95.0),
            r: 13,
            label: (index + 1).to_string(),
            address: one.address,
            words: one.words,
            lowered: one.lowered,
            small: false,
        });
    }
    drawing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_lies_where_its_places_are_rounded_to() {
        let square = Square::read("-380,10220,10").expect("a square");
        assert_eq!(square.wider().as_deref(), Some("-390,10210,30"));
        assert_eq!(Square::read("-380,10220,1000").expect("a square").wider(), None, "a province");
        let (x, y) = square.place((-3.805, 102.195));
        assert!(x.abs() < 1e-6 && (y - 100.0).abs() < 1e-6, "{x} {y}: its south-west corner");
        let (x, y) = square.place((-3.7051, 102.2949));
        assert!((99.0..100.0).contains(&x) && (0.0..1.0).contains(&y), "{x} {y}: its north-east corner");
        assert!((11.0..11.2).contains(&square.kilometres()), "{}", square.kilometres());
        for wrong in ["", "1,2", "1,2,0", "1,2,x", "none", "!1,2,3"] {
            assert!(Square::read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn steps_are_round_and_lines_lie_within() {
        for (most, step) in [(7.0, 5.0), (5.0, 5.0), (3.0, 2.0), (1.9, 1.0), (0.037, 0.02), (120.0, 100.0)] {
            assert!((round_step(most) - step).abs() < 1e-9, "{most}");
        }
        let (step, found) = lines(-3.805, 0.1, |at, digits| format!("{at:.digits$}"));
        assert!((step - 0.05).abs() < 1e-9);
        assert_eq!(found.iter().map(|(_, words)| words.as_str()).collect::<Vec<_>>(), ["-3.80", "-3.75"]);
    }

    #[test]
    fn degrees_are_written_as_people_say_them() {
        assert_eq!(degrees(-3.789, ("LU", "LS"), 2, Language::Id), "3,79° LS");
        assert_eq!(degrees(102.2, ("E", "W"), 1, Language::En), "102.2° E");
    }
}
