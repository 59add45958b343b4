//! Writes a simulation into a directory: `cargo run -p bluetick-simulator --example simulate -- DIR SEED MESSAGES DAYS ZONE`.

use bluetick_simulator::{DirectoryOutput, SimulationOptions, simulate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("a directory is needed")?;
    let seed = arguments.next().map_or(Ok(1), |seed| seed.parse())?;
    let messages = arguments.next().map_or(Ok(1_000), |messages| messages.parse())?;
    let days = arguments.next().map_or(Ok(7), |days| days.parse())?;
    let timezone = arguments.next().unwrap_or_else(|| "UTC".to_owned());
    let options = SimulationOptions { seed, messages, days, timezone, ..SimulationOptions::default() };
    let mut output = DirectoryOutput::create(directory.as_ref(), false)?;
    let summary = simulate(&options, &mut output)?;
    std::io::Write::write_all(&mut std::io::stdout(), format!("{summary:?}\n").as_bytes())?;
    Ok(())
}
