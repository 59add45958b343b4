//! `bluetick`, the command-line tool. It runs the whole pipeline on one machine and maintains a lake.

mod archive;
mod commands;
mod credentials;
mod import;
mod output;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// WhatsApp engagement analytics: webhooks in, exactly deduplicated Parquet out.
#[derive(Parser)]
#[command(name = "bluetick", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Flatten(commands::flatten::Arguments),
    Lookup(commands::lookup::Arguments),
    Lookups(commands::lookups::Arguments),
    Serve(commands::serve::Arguments),
    Run(commands::run::Arguments),
    Replay(commands::replay::Arguments),
    Import(commands::import::Arguments),
    Reflatten(commands::reflatten::Arguments),
    Sweep(commands::sweep::Arguments),
    Erase(commands::erase::Arguments),
    Verify(commands::verify::Arguments),
    Manifests(commands::manifests::Arguments),
    Repair(commands::repair::Arguments),
    Simulate(commands::simulate::Arguments),
    Schema(commands::schema::Arguments),
    Providers(commands::providers::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (level, format) = bluetick_telemetry::logging::from_environment(|name| std::env::var(name).ok());
    // Log only warnings unless asked for more: a command-line tool should be quiet.
    let level = if std::env::var_os("RUST_LOG").is_some() { level } else { tracing::level_filters::LevelFilter::WARN };
    bluetick_telemetry::logging::init_with(level, format, std::io::stderr);
    let result =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Into::into).and_then(|runtime| {
            runtime.block_on(async {
                credentials::install().await;
                match arguments.command {
                    Command::Lookup(arguments) => commands::lookup::run(&arguments).await,
                    Command::Lookups(arguments) => commands::lookups::run(&arguments).await,
                    Command::Flatten(arguments) => commands::flatten::run(&arguments),
                    Command::Serve(arguments) => commands::serve::run(&arguments).await,
                    Command::Run(arguments) => commands::run::run(&arguments).await,
                    Command::Replay(arguments) => commands::replay::run(&arguments).await,
                    Command::Import(arguments) => commands::import::run(&arguments).await,
                    Command::Reflatten(arguments) => commands::reflatten::run(&arguments).await,
                    Command::Sweep(arguments) => commands::sweep::run(&arguments).await,
                    Command::Erase(arguments) => commands::erase::run(&arguments).await,
                    Command::Verify(arguments) => commands::verify::run(&arguments).await,
                    Command::Manifests(arguments) => commands::manifests::run(&arguments).await,
                    Command::Repair(arguments) => commands::repair::run(&arguments).await,
                    Command::Simulate(arguments) => commands::simulate::run(&arguments),
                    Command::Schema(arguments) => commands::schema::run(&arguments),
                    Command::Providers(arguments) => commands::providers::run(&arguments),
                }
            })
        });
    match result {
        Ok(code) => code,
        // The reader closed the pipe, as in `bluetick flatten … | head`; this is not an error.
        Err(error) if output::is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            output::report_error(&*error);
            ExitCode::FAILURE
        }
    }
}
