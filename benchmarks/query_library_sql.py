"""The queries of the library in SQL, written by hand, for duckdb."""

from collections.abc import Mapping

SQL: Mapping[str, str] = {
    "payers_covering_regimen": """
        SELECT payer, policy, version, diagnosis, pathway,
            count(DISTINCT route), min(months), max(months)
        FROM covers JOIN route USING (policy, route) JOIN policy USING (policy)
            JOIN approves USING (policy, route) JOIN under USING (policy, route)
            JOIN authorizes USING (policy, route)
        WHERE regimen = $regimen AND outcome = 'approve'
        GROUP BY ALL""",
    "changes_since": """
        SELECT c.policy, c."to", c.section, c.became, s.text
        FROM changed c JOIN section s
            ON s.document = c.policy AND s.version = c."to" AND s.section = c.section
        WHERE c."to" >= $date::DATE
        UNION
        SELECT c.policy, c."to", c.section, c.became, s.text
        FROM changed c JOIN section s
            ON s.document = c.policy AND s.version = c."from" AND s.section = c.section
        WHERE c."to" >= $date::DATE AND c.became = 'removed'""",
    "outcomes_moved_since": """
        SELECT policy, "to", before, after FROM moves WHERE "to" >= $date::DATE""",
    "criteria_resting_on_guidelines": """
        SELECT g.policy, g.section, s.text, g.reference, g.reference_section, t.text
        FROM rests_on g JOIN reference f ON f.reference = g.reference AND f.kind = 'guideline'
            JOIN section s
                ON s.document = g.policy AND s.version = g.version AND s.section = g.section
            JOIN current c ON c.document = g.reference
            JOIN section t ON t.document = g.reference AND t.version = c.version
                AND t.section = g.reference_section""",
    "cases_failing_one_section": """
        WITH one AS (
            SELECT "case", pathway FROM failed GROUP BY ALL HAVING count(DISTINCT section) = 1)
        SELECT "case", policy, outcome, pathway, f.section, s.text
        FROM one JOIN failed f USING ("case", pathway) JOIN determined d USING ("case")
            JOIN section s
                ON s.document = d.policy AND s.version = d.version AND s.section = f.section
        WHERE outcome <> 'approve'""",
    "readings_that_matter": """
        SELECT d.policy, r.reading, r.choice, d.outcome, r.outcome, count(DISTINCT "case")
        FROM depends_on r JOIN determined d USING ("case") GROUP BY ALL""",
    "evidence_for_routes": """
        WITH support AS (
            SELECT *, 'supports' AS does FROM supported_by WHERE policy = $policy
            UNION ALL
            SELECT *, 'limits' AS does FROM limited_by WHERE policy = $policy)
        SELECT s.reference, s.reference_section, s.does, t.text, count(DISTINCT r.route)
        FROM route r JOIN contains c ON c.route = r.route JOIN support s ON s.route = r.route
            JOIN current v ON v.document = s.reference
            JOIN section t ON t.document = s.reference AND t.version = v.version
                AND t.section = s.reference_section
        WHERE r.policy = $policy AND r.outcome = 'approve' AND c.drug = $drug
        GROUP BY ALL""",
    "missing_facts": """
        SELECT fact, title, changer, count(DISTINCT "case")
        FROM matters JOIN fact USING (fact) GROUP BY ALL""",
    "cheapest_changes": """
        WITH least AS (SELECT "case", min(effort) AS effort FROM change GROUP BY ALL),
            concerns AS (
                SELECT change, fact FROM change_value UNION SELECT change, fact FROM change_number)
        SELECT "case", effort, change, list(fact ORDER BY fact)
        FROM least JOIN change USING ("case", effort) JOIN concerns USING (change)
        GROUP BY ALL""",
    "differing_thresholds": """
        WITH compared AS (
            SELECT p.policy, r.section, r.fact, r.comparison, r.number
            FROM policy p JOIN current c ON c.document = p.policy
                JOIN requires_number r ON r.document = p.policy AND r.version = c.version)
        SELECT DISTINCT a.fact, a.comparison, a.number, a.policy, a.section, b.policy
        FROM compared a JOIN compared b ON b.fact = a.fact
        WHERE NOT EXISTS (
            FROM compared x WHERE x.policy = b.policy AND x.fact = a.fact
                AND x.comparison = a.comparison AND x.number = a.number)""",
    "facts_one_payer_asks": """
        WITH asked AS (
            SELECT DISTINCT p.payer, p.policy, a.fact
            FROM policy p JOIN current c ON c.document = p.policy
                JOIN asks a ON a.document = p.policy AND a.version = c.version)
        SELECT fact, title, payer, list(policy ORDER BY policy)
        FROM asked a JOIN fact USING (fact)
        WHERE NOT EXISTS (FROM asked b WHERE b.fact = a.fact AND b.payer <> a.payer)
        GROUP BY ALL""",
    "sections_nobody_fails": """
        SELECT d.policy, d.version, s.section, t.text, count(DISTINCT "case")
        FROM status s JOIN determined d USING ("case")
            JOIN section t
                ON t.document = d.policy AND t.version = d.version AND t.section = s.section
        GROUP BY ALL HAVING bool_and(s.criterion_status = 'met')""",
    "sections_failed_most": """
        SELECT d.policy, f.section, s.text, count(DISTINCT "case")
        FROM failed f JOIN determined d USING ("case")
            JOIN section s
                ON s.document = d.policy AND s.version = d.version AND s.section = f.section
        WHERE outcome <> 'approve' GROUP BY ALL""",
    "outcomes_by_policy": """
        SELECT policy, version, outcome, count(DISTINCT "case") FROM determined GROUP BY ALL""",
    "months_by_line_of_business": """
        SELECT policy, pathway, line_of_business, comparison, months, section
        FROM "authorization" JOIN serves USING (policy, version, line_of_business)
            JOIN current c ON c.document = policy AND c.version = "authorization".version""",
    "recommended_regimens_not_covered": """
        WITH supported AS (
            SELECT r.reference, r.subject, s.section, l.regimen, s.diagnosis
            FROM reference r JOIN current c ON c.document = r.reference
                JOIN supports s ON s.reference = r.reference AND s.version = c.version
                JOIN lists l ON l.document = r.reference AND l.version = c.version
                    AND l.section = s.section
            WHERE r.kind = 'guideline'),
            covered AS (
                SELECT policy, regimen, diagnosis
                FROM covers v JOIN approves USING (policy, route)
                WHERE NOT EXISTS (
                    FROM needs_value n WHERE n.policy = v.policy AND n.route = v.route
                        AND n.fact = 'request' AND n.comparison = 'is'
                        AND n.value = 'continuation'))
        SELECT p.policy, s.diagnosis, s.regimen, s.reference, list(s.section ORDER BY s.section)
        FROM policy p JOIN supported s ON s.subject = p.drug
        WHERE (p.policy, s.regimen, s.diagnosis) NOT IN (FROM covered)
        GROUP BY ALL""",
    "preferred_regimens": """
        SELECT l.regimen, s.diagnosis, f.reference, f.section, v.policy, u.pathway,
            count(DISTINCT v.route)
        FROM preference f JOIN current c ON c.document = f.reference AND c.version = f.version
            JOIN lists l ON l.document = f.reference AND l.version = f.version
                AND l.section = f.section
            JOIN supports s ON s.reference = f.reference AND s.version = f.version
                AND s.section = f.section
            JOIN covers v ON v.regimen = l.regimen JOIN under u USING (policy, route)
            JOIN approves a ON a.policy = v.policy AND a.route = v.route
                AND a.diagnosis = s.diagnosis
        WHERE f.preference = 'preferred' GROUP BY ALL""",
    "conflicts_between_sources": """
        SELECT k.reference, section, other_reference, other_section, text
        FROM contradicts k JOIN current c ON c.document = k.reference AND c.version = k.version""",
    "trial_figures": """
        SELECT DISTINCT f.reference, f.section, f.subject, f.statistic, f.comparison, f.amount, f.unit
        FROM figure f JOIN current c ON c.document = f.reference AND c.version = f.version
            JOIN arm a ON a.reference = f.reference AND a.version = f.version
        WHERE a.drug = $drug""",
    "trial_intervals": """
        SELECT DISTINCT f.reference, f.section, f.statistic, f.amount, l.level, l.amount, u.amount
        FROM figure f JOIN current c ON c.document = f.reference AND c.version = f.version
            JOIN arm a ON a.reference = f.reference AND a.version = f.version
            JOIN lower_bound l ON (l.reference, l.version, l.section)
                = (f.reference, f.version, f.section)
            JOIN upper_bound u ON (u.reference, u.version, u.section, u.level)
                = (l.reference, l.version, l.section, l.level)
        WHERE a.drug = $drug""",
    "drug_codes": """
        SELECT system, code, title, source FROM code WHERE drug = $drug""",
    "diagnosis_codes": """
        SELECT code, code, 'yes', title FROM icd10 WHERE diagnosis = $diagnosis
        UNION
        SELECT first_code, last_code, 'no', text FROM icd10_trap WHERE diagnosis = $diagnosis""",
    "cases_near_threshold": """
        SELECT "case", k.number, r.comparison, r.number, list(r.section ORDER BY r.section)
        FROM known_number k JOIN determined d USING ("case")
            JOIN requires_number r ON r.document = d.policy AND r.version = d.version
                AND r.fact = k.fact
        WHERE k.fact = $fact AND k.comparison = 'is'
            AND k.number BETWEEN $lowest::DECIMAL AND $highest::DECIMAL
            AND r.number BETWEEN $lowest::DECIMAL AND $highest::DECIMAL
        GROUP BY ALL""",
    "sections_asking": """
        SELECT p.policy, a.section, s.text
        FROM policy p JOIN current c ON c.document = p.policy
            JOIN asks a ON a.document = p.policy AND a.version = c.version
            JOIN section s ON s.document = p.policy AND s.version = c.version
                AND s.section = a.section
        WHERE a.fact = $fact""",
    "open_findings": """
        SELECT policy, severity, kind, finding, text FROM finding
        WHERE severity <> 'note' AND (policy, finding) NOT IN (SELECT policy, finding FROM accepted)
        """,
}
"""By name; a table is a relation, and its columns have the names of the relation's."""
