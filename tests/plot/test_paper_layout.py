"""Where on the page each lead is drawn."""

import pytest

from ecg_edge.plot.paper_layout import arrange
from ecg_edge.records.record import STANDARD_LEADS


def test_twelve_leads_have_the_standard_page_whatever_their_order():
    leads = STANDARD_LEADS[::-1]
    layout = arrange(leads, 0.0, 10.0)
    rows = [[leads[p.lead] for p in layout.panels if p.row == row] for row in range(4)]
    assert rows == [["I", "aVR", "V1", "V4"], ["II", "aVL", "V2", "V5"], ["III", "aVF", "V3", "V6"], ["II"]]
    assert [(p.start_s, p.stop_s, p.x_mm) for p in layout.panels[:4]] == [
        (0.0, 2.5, 0.0), (2.5, 5.0, 62.5), (5.0, 7.5, 125.0), (7.5, 10.0, 187.5),
    ]  # fmt: skip
    assert layout.speed == 25.0 and layout.width_mm == 250.0 and len(layout.strips) == 1


@pytest.mark.parametrize(
    ("leads", "seconds", "strips", "speed"),
    [
        (1, 4.0, 1, 25.0),
        (1, 30.0, 3, 25.0),
        (1, 61.0, 7, 25.0),
        (1, 86_400.0, 12, 250 / 7200),
        (2, 1800.0, 6, 250 / 300),
        (3, 40.0, 4, 25.0),
        (12, 15.0, 1, 250 / 15),
        (12, 5.0, 1, 25.0),
        (20, 10.0, 1, 25.0),
        (1, 40 * 86_400.0, 12, 250 / (40 * 7200)),
    ],
)
def test_a_recording_is_cut_into_strips(leads, seconds, strips, speed):
    names = STANDARD_LEADS if leads == 12 else [f"ECG{i}" for i in range(leads)]
    layout = arrange(names, 7.0, seconds)
    assert len(layout.strips) == strips and layout.rows == strips * leads and layout.speed == pytest.approx(speed)
    assert layout.width_mm <= 250.0 + 1e-6
    for lead in range(leads):
        own = [p for p in layout.panels if p.lead == lead]
        assert [p.row for p in own] == list(range(lead, layout.rows, leads))
        ends = [7.0, *(p.stop_s for p in own)]
        assert [p.start_s for p in own] == ends[:-1] and ends[-1] == pytest.approx(7.0 + seconds)
