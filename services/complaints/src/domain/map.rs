//! The map: cases by squares of one grid. The finest square is as wide as a place is lowered for who does not want to be found
//! by it ([`coarse`](super::case::Place::coarse)), so no number of the map tells more of anybody than that.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::case::hundredths;

/// Squares that stand beside each other on a map: on a phone of 360 pixels each is as wide as a finger needs.
const ACROSS: i32 = 10;
/// The side of the smallest map that shows what is around, in hundredths of a degree.
const SMALLEST: i32 = 5;
/// How far from most cases one may lie to be on the map that nobody narrowed, in hundredths of a degree: half a degree is about
/// 55 km. A point that was mistyped must not make everything else one dot.
const NEAR: i32 = 50;
/// Villages that are named of a square.
const NAMED: usize = 3;

/// A square of the grid. The numbers are hundredths of a degree, and a place belongs where it is rounded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Square {
    /// Its southernmost row, from the equator.
    pub south: i32,
    /// Its westernmost column, from Greenwich.
    pub west: i32,
    /// Rows and columns.
    pub side: i32,
}

/// Where cases of a list lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// In this square.
    Square(Square),
    /// Somewhere else, as far as it is known where.
    Outside(Square),
    /// It is not known where.
    Nowhere,
}

/// A text that names no part of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no square of the map")]
pub struct NoSquare;

impl Square {
    /// Whether a place of the grid lies in it.
    #[must_use]
    pub fn holds(self, (north, east): (i32, i32)) -> bool {
        (0..self.side).contains(&(north - self.south)) && (0..self.side).contains(&(east - self.west))
    }
}

impl fmt::Display for Square {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.south, self.west, self.side)
    }
}

impl FromStr for Square {
    type Err = NoSquare;

    fn from_str(text: &str) -> Result<Self, NoSquare> {
        let mut parts = text.split(',').map(|it| it.parse::<i32>());
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(south)), Some(Ok(west)), Some(Ok(side)), None)
                if (-9_500..=9_500).contains(&south)
                    && (-36_500..=18_500).contains(&west)
                    && (1..=36_500).contains(&side) =>
            {
                Ok(Self { south, west, side })
            }
            _ => Err(NoSquare),
        }
    }
}

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Square(square) => write!(f, "{square}"),
            Self::Outside(square) => write!(f, "!{square}"),
            Self::Nowhere => f.write_str("none"),
        }
    }
}

impl FromStr for Within {
    type Err = NoSquare;

    fn from_str(text: &str) -> Result<Self, NoSquare> {
        match text.strip_prefix('!') {
            Some(square) => square.parse().map(Self::Outside),
            None if text == "none" => Ok(Self::Nowhere),
            None => text.parse().map(Self::Square),
        }
    }
}

/// Cases of one village at one place of the grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Row and column; `None` where it is not known where.
    pub at: Option<(i32, i32)>,
    /// The village; empty where none was told.
    pub village: String,
    /// How many.
    pub count: u64,
}

/// A square with the cases in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Which square.
    pub square: Square,
    /// The middle of its cases, latitude and longitude in degrees.
    pub middle: (f64, f64),
    /// How many.
    pub count: u64,
    /// Where most of them are, most first.
    pub villages: Vec<String>,
}

/// What a map shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Map {
    /// The square that it is drawn of; `None` where no case has a place.
    pub extent: Option<Square>,
    /// Squares with cases, north to south and west to east.
    pub cells: Vec<Cell>,
    /// Cases on it.
    pub inside: u64,
    /// Cases with a place that is not on it.
    pub outside: u64,
    /// Cases without a place.
    pub unplaced: u64,
}

/// Cases and where they lie.
type Placed<'a> = ((i32, i32), &'a Spot);

/// Draws a map of a square, or of where most cases are.
#[must_use]
pub fn draw(spots: &[Spot], asked: Option<Square>) -> Map {
    let Some(extent) = asked.or_else(|| around(spots)) else {
        return Map { unplaced: spots.iter().map(|it| it.count).sum(), ..Map::default() };
    };
    let step = (extent.side + ACROSS - 1) / ACROSS;
    let mut map = Map { extent: Some(extent), ..Map::default() };
    let mut cells: BTreeMap<(i32, i32), Vec<Placed<'_>>> = BTreeMap::new();
    for spot in spots {
        match spot.at {
            None => map.unplaced += spot.count,
            Some(at) if !extent.holds(at) => map.outside += spot.count,
            Some(at) => {
                map.inside += spot.count;
                let place = ((at.0 - extent.south) / step, (at.1 - extent.west) / step);
                // From the north, as a map is read.
                cells.entry((-place.0, place.1)).or_default().push((at, spot));
            }
        }
    }
    map.cells = cells
        .into_iter()
        .map(|((up, right), spots)| {
            let square =
                Square { south: extent.south - up * step, west: extent.west + right * step, side: step };
            cell(square, &spots)
        })
        .collect();
    map
}

fn cell(square: Square, spots: &[Placed<'_>]) -> Cell {
    let count: u64 = spots.iter().map(|(_, it)| it.count).sum();
    #[expect(clippy::cast_precision_loss, reason = "far fewer cases than 2^52")]
    let middle = |of: fn((i32, i32)) -> i32| {
        let sum: f64 = spots.iter().map(|(at, it)| f64::from(of(*at)) * it.count as f64).sum();
        sum / count.max(1) as f64 / 100.0
    };
    let mut villages: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, it) in spots.iter().filter(|(_, it)| !it.village.is_empty()) {
        *villages.entry(&it.village).or_default() += it.count;
    }
    let mut villages: Vec<_> = villages.into_iter().collect();
    villages.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let villages = villages.into_iter().take(NAMED).map(|(it, _)| it.to_owned()).collect();
    Cell { square, middle: (middle(|at| at.0), middle(|at| at.1)), count, villages }
}

/// The square around most cases, and around all that are near those.
fn around(spots: &[Spot]) -> Option<Square> {
    let placed: Vec<((i32, i32), u64)> = spots.iter().filter_map(|it| Some((it.at?, it.count))).collect();
    let all: u64 = placed.iter().map(|it| it.1).sum();
    let span = |of: fn((i32, i32)) -> i32| {
        let mut sorted: Vec<(i32, u64)> = placed.iter().map(|it| (of(it.0), it.1)).collect();
        sorted.sort_unstable();
        // The tenth part of the cases on either side may be anywhere.
        let at = |share: u64| {
            let mut before = 0;
            sorted.iter().find(|it| {
                before += it.1;
                before * 10 > all * share
            })
        };
        let (low, high) = (at(1)?.0, at(8)?.0.max(at(1)?.0));
        let reach = (high - low).max(NEAR);
        Some((low - reach, high + reach))
    };
    let (rows, columns) = (span(|at| at.0)?, span(|at| at.1)?);
    let near: Vec<(i32, i32)> = placed
        .iter()
        .map(|it| it.0)
        .filter(|at| (rows.0..=rows.1).contains(&at.0) && (columns.0..=columns.1).contains(&at.1))
        .collect();
    let ends = |of: fn(&(i32, i32)) -> i32| Some((near.iter().map(of).min()?, near.iter().map(of).max()?));
    let ((south, north), (west, east)) = (ends(|at| at.0)?, ends(|at| at.1)?);
    let side = (north - south).max(east - west) + 1;
    // A whole number of squares.
    let step = (side.max(SMALLEST) + ACROSS - 1) / ACROSS;
    let side = (side.max(SMALLEST) + step - 1) / step * step;
    Some(Square {
        south: south - (side - (north - south + 1)) / 2,
        west: west - (side - (east - west + 1)) / 2,
        side,
    })
}

/// The place of the grid that a point belongs to.
#[must_use]
pub fn place((latitude, longitude): (f64, f64)) -> (i32, i32) {
    (hundredths(latitude), hundredths(longitude))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(north: i32, east: i32, village: &str, count: u64) -> Spot {
        Spot { at: Some((north, east)), village: village.to_owned(), count }
    }

    fn nowhere(count: u64) -> Spot {
        Spot { at: None, village: "v".to_owned(), count }
    }

    #[test]
    fn a_part_of_the_map_is_named_and_read_alike() {
        for text in ["-380,10220,5", "!-380,10220,5", "none"] {
            assert_eq!(text.parse::<Within>().unwrap().to_string(), text);
        }
        for text in
            ["", "1,2", "1,2,0", "1,2,3,4", "a,b,c", "9999,0,1", "1.5,2,3", "0,0,99999999", "!none", "!"]
        {
            assert_eq!(text.parse::<Within>(), Err(NoSquare), "{text}");
        }
    }

    #[test]
    fn every_case_is_counted_once_and_every_square_counts_what_it_holds() {
        let mut spots = vec![nowhere(4)];
        for at in 0..40 {
            spots.push(spot(
                -380 + at * 7 % 31,
                10_220 + at * 11 % 37,
                if at % 2 == 0 { "a" } else { "b" },
                1 + at as u64 % 3,
            ));
        }
        let map = draw(&spots, None);
        let all: u64 = spots.iter().map(|it| it.count).sum();
        assert_eq!(map.inside + map.outside + map.unplaced, all);
        assert_eq!((map.unplaced, map.outside), (4, 0));
        assert_eq!(map.cells.iter().map(|it| it.count).sum::<u64>(), map.inside);
        let extent = map.extent.unwrap();
        for cell in &map.cells {
            let held = spots.iter().filter(|it| it.at.is_some_and(|at| cell.square.holds(at)));
            assert_eq!(held.map(|it| it.count).sum::<u64>(), cell.count, "{}", cell.square);
            assert!(cell.square.south >= extent.south && cell.square.west >= extent.west);
            assert!(cell.square.south + cell.square.side <= extent.south + extent.side);
        }
        assert!(map.cells.windows(2).all(|it| it[0].square.south >= it[1].square.south), "from the north");
        assert!(map.cells.len() <= 100);
    }

    #[test]
    fn a_point_that_was_mistyped_does_not_make_the_rest_one_dot() {
        let mut spots: Vec<Spot> = (0..30).map(|at| spot(-380 + at, 10_220 + at, "a", 1)).collect();
        spots.push(spot(0, 0, "", 1));
        spots.push(spot(10_222, -380, "", 1));
        let map = draw(&spots, None);
        assert_eq!((map.inside, map.outside), (30, 2));
        assert_eq!(map.extent, Some(Square { south: -380, west: 10_220, side: 30 }));
        assert_eq!(map.cells.len(), 10);
    }

    #[test]
    fn a_square_is_drawn_finer_until_the_grid_ends() {
        let spots = [spot(-381, 10_221, "b", 2), spot(-379, 10_223, "a", 2), spot(-371, 10_221, "", 5)];
        let map = draw(&spots, Some("-385,10220,10".parse().unwrap()));
        assert_eq!((map.inside, map.outside, map.cells.len()), (4, 5, 2));
        assert_eq!(map.cells[0].square.to_string(), "-379,10223,1");
        assert_eq!(map.cells[0].middle, (-3.79, 102.23));
        let finest = draw(&spots, Some(map.cells[0].square));
        assert_eq!((finest.cells.len(), finest.cells[0].square), (1, map.cells[0].square));
        let coarser = draw(&spots, Some("-390,10210,20".parse().unwrap()));
        assert_eq!(coarser.cells.iter().map(|it| it.count).collect::<Vec<_>>(), [5, 2, 2]);
    }

    #[test]
    fn without_any_place_there_is_no_map_but_the_cases_are_counted() {
        assert_eq!(draw(&[nowhere(3)], None), Map { unplaced: 3, ..Map::default() });
        assert_eq!(draw(&[], None), Map::default());
        let one = draw(&[spot(-312, 10_223, "a", 1)], None);
        assert_eq!((one.extent.unwrap().side, one.inside), (SMALLEST, 1));
        assert_eq!(one.cells[0].villages, ["a"]);
    }

    #[test]
    fn a_point_belongs_where_it_is_rounded_to() {
        assert_eq!(place((-3.123_456, 102.234_567)), (-312, 10_223));
        assert_eq!(place((-3.125, 102.235)), (-313, 10_224), "half of a hundredth goes away from zero");
    }
}
