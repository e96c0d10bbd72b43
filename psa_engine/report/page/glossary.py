"""The words of the page, explained in a sentence each."""

GLOSSARY = {
    "Base case": "One run of the model with every input at its mean.",
    "CEAC": "Cost-effectiveness acceptability curve: the share of draws in which a strategy has the highest net "
    "benefit, along the willingness to pay.",
    "Comparator": "The strategy that the others are compared with.",
    "Cost-effectiveness plane": "A picture of incremental costs against incremental effects, a point for each draw.",
    "Discounting": "Counting future costs and effects for less, by a fixed rate a year.",
    "Dominated": "Costs more and gives no more than another strategy; extendedly dominated: than a mix of two others.",
    "Draw": "One set of values of all uncertain inputs, taken from their distributions.",
    "Efficiency frontier": "The strategies that are not dominated, in order of cost.",
    "ENBS": "Expected net benefit of sampling: what a study is worth to the whole population, less what it costs.",
    "Evidence status": "Verified: read in the source by the analyst. Unverified: recalled or second-hand. Assumption: "
    "chosen for lack of evidence. Gap: unknown, with a placeholder.",
    "EVPI": "Expected value of perfect information: what knowing every input exactly would gain per person.",
    "EVPPI": "Expected value of partial perfect information: the same for one input or a group of inputs.",
    "EVSI": "Expected value of sample information: what the data of a study of a given size would gain per person.",
    "Expected loss": "What choosing a strategy loses on average, against choosing rightly in every draw.",
    "ICER": "Incremental cost-effectiveness ratio: the extra costs of one more QALY, against the next best strategy.",
    "Illustrative": "Shown to explain the method; not evidence for a decision.",
    "Monte Carlo standard error": "How far an average may be off because there are only so many draws.",
    "Net benefit": "Effects valued at the willingness to pay, less costs; in money, or divided by the willingness to "
    "pay in QALYs.",
    "PSA": "Probabilistic sensitivity analysis: the model run for many draws of its uncertain inputs.",
    "QALY": "Quality-adjusted life year: a year of life weighted by its quality from 0 (dead) to 1 (full health).",
    "Seed": "The number that fixes which draws are taken; the same seed gives the same results.",
    "Threshold price": "The price at which a product stops being the best choice.",
    "Willingness to pay": "What is paid at most for one more QALY.",
}
