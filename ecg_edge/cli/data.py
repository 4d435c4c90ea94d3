"""ecg-edge data: which databases are here, what is wrong with one, fetching one."""

from pathlib import Path

import click

from ecg_edge import console
from ecg_edge.cli.signal_options import signal_options


@click.group()
def command():
    """List, check and download databases of ECG recordings.

    ECG_EDGE_DATA names the folder that holds databases under their names; ./data is looked at as well.

    \b
    Examples:
      ecg-edge data list
      ecg-edge data check cinc2017
      ecg-edge data check my_recordings/
      ecg-edge data check ptbxl+my_recordings
      ecg-edge data download mitdb
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def list_databases(as_json):
    """Every database: where it is, how many recordings, their labels, the licence.

    \b
    Examples:
      ecg-edge data list
      ECG_EDGE_DATA=/data/ecg ecg-edge data list --json
    """
    from ecg_edge.database_tables import print_databases
    from ecg_edge.records.databases.catalogue import discover_databases
    from ecg_edge.records.summary import describe_database

    found = {database.name: describe_database(database, folder) for database, folder in discover_databases()}
    if as_json:
        console.print_json(found)
        return
    print_databases(found)
    console.log("next: ecg-edge data check NAME, or for one that is not here: ecg-edge data download NAME")


@command.command()
@click.argument("data", metavar="DIR_OR_NAME")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@signal_options
def check(data, as_json, stated):
    """Read every recording of a database or folder and name each that is unreadable or suspicious.

    Exit status 2 where any recording cannot be read.

    \b
    Examples:
      ecg-edge data check cinc2017
      ecg-edge data check my_recordings/ --json
    """
    from ecg_edge.database_tables import print_findings
    from ecg_edge.records.check import check as check_records
    from ecg_edge.records.databases.catalogue import locate
    from firmware_bench.runtime.errors import InputError
    from models_keras.registry import SUGGESTED

    database, folder = locate(data)
    with console.reporting() as reporter:
        report = check_records(database, folder, reporter.advance(f"reading {database.name}"), **stated)
    unreadable, suspicious = len(report.unreadable), len(report.suspicious)
    if as_json:
        console.print_json({"database": database.name, "folder": str(folder), **report.to_dict()})
    elif report.findings:
        print_findings(database.name, report.findings)
    for line in report.summary.describe():
        console.log(line)
    if unreadable:
        raise InputError(
            f"{unreadable} of {report.records} recordings cannot be read, {suspicious} more are suspicious: "
            f"repair, fetch again or remove {', '.join(report.unreadable[:5])}{' …' if unreadable > 5 else ''}"
        )
    warned = f"; {suspicious} have warnings" if suspicious else ", nothing suspicious"
    console.log(f"{report.records} of {report.records} recordings of {database.name} can be read{warned}")
    arch = SUGGESTED["labels" if database.classes else "beats"]
    console.log(f"next: ecg-edge train --arch {arch} --data {data}")


@command.command()
@click.argument("name", metavar="DB")
@click.option("--to", type=click.Path(file_okay=False, path_type=Path), help="Folder that holds databases; default: "
              "ECG_EDGE_DATA, else ./data.")  # fmt: skip
@click.option("--url", help="A mirror with PhysioNet's layout, such as https://physionet-open.s3.amazonaws.com.")
def download(name, to, url):
    """Fetch a database from PhysioNet into its own folder; an interrupted download resumes.

    \b
    Examples:
      ecg-edge data download mitdb
      ecg-edge data download ptbxl100 --to /data/ecg
    """
    from ecg_edge.records.databases.catalogue import DATABASES, list_data_roots
    from ecg_edge.records.download import PHYSIONET
    from ecg_edge.records.download import download as fetch_database
    from firmware_bench.runtime.errors import unknown_name

    fetchable = {key: database for key, database in DATABASES.items() if database.physionet}
    if name not in fetchable:
        raise unknown_name("database on PhysioNet", name, fetchable)
    database = fetchable[name]
    folder = (to or list_data_roots()[0]) / database.folder_name
    console.log(f"{database.title}: {database.licence}, from {url or PHYSIONET}/{database.physionet} to {folder}")
    with console.reporting() as reporter:
        fetched = fetch_database(database, folder, reporter.advance(f"fetching {name}"), url or PHYSIONET)
    console.log(f"{fetched} files fetched, the others were here and complete")
    console.log(f"next: ecg-edge data check {folder}")
