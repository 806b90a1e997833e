import { asReward } from './consistency/asReward.ts';
import { canny } from './consistency/canny.ts';
import { conditionMap } from './consistency/conditionMap.ts';
import { depth } from './consistency/depth.ts';
import { hed } from './consistency/hed.ts';
import { lineArt } from './consistency/lineArt.ts';
import { scoreConsistency } from './consistency/scoreConsistency.ts';
import { segmentation } from './consistency/segmentation.ts';
import { type Library, libraryOf } from './defineNode.ts';
import { bestOfK } from './generate/bestOfK.ts';
import { guidedSample } from './generate/guidedSample.ts';
import { sample } from './generate/sample.ts';
import { solverStatistics } from './generate/solverStatistics.ts';
import { controlImage } from './input/controlImage.ts';
import { controlMap } from './input/controlMap.ts';
import { dynamicPrompt } from './input/dynamicPrompt.ts';
import { expandPrompt } from './input/expandPrompt.ts';
import { expandPromptWithModel } from './input/expandPromptWithModel.ts';
import { gridAxes } from './input/gridAxes.ts';
import { joinPrompts } from './input/joinPrompts.ts';
import { loadDistribution } from './input/loadDistribution.ts';
import { loadImages } from './input/loadImages.ts';
import { loadStatistics } from './input/loadStatistics.ts';
import { noise } from './input/noise.ts';
import { number } from './input/number.ts';
import { numberRange } from './input/numberRange.ts';
import { promptList } from './input/promptList.ts';
import { sampleDistribution } from './input/sampleDistribution.ts';
import { text } from './input/text.ts';
import { loadControlNet } from './model/loadControlNet.ts';
import { loadEmbeddings } from './model/loadEmbeddings.ts';
import { loadGenerator } from './model/loadGenerator.ts';
import { loadLora } from './model/loadLora.ts';
import { smartControl } from './model/smartControl.ts';
import { swapDecoder } from './model/swapDecoder.ts';
import { bestOfN } from './optimise/bestOfN.ts';
import { climb } from './optimise/climb.ts';
import { find } from './optimise/find.ts';
import { fkSteering } from './optimise/fkSteering.ts';
import { paretoNoise } from './optimise/paretoNoise.ts';
import { population } from './optimise/population.ts';
import { prune } from './optimise/prune.ts';
import { rankSgd } from './optimise/rankSgd.ts';
import { reno } from './optimise/reno.ts';
import { spsa } from './optimise/spsa.ts';
import { beforeAfter } from './output/beforeAfter.ts';
import { comparison } from './output/comparison.ts';
import { contactSheet } from './output/contactSheet.ts';
import { genevalTable } from './output/genevalTable.ts';
import { imageGrid } from './output/imageGrid.ts';
import { saveDistribution } from './output/saveDistribution.ts';
import { saveImages } from './output/saveImages.ts';
import { saveStatistics } from './output/saveStatistics.ts';
import { scoreTable } from './output/scoreTable.ts';
import { traceChart } from './output/traceChart.ts';
import { aesthetic } from './reward/aesthetic.ts';
import { augment } from './reward/augment.ts';
import { clipScore } from './reward/clipScore.ts';
import { colourfulness } from './reward/colourfulness.ts';
import { combine } from './reward/combine.ts';
import { hps } from './reward/hps.ts';
import { imageReward } from './reward/imageReward.ts';
import { pickScore } from './reward/pickScore.ts';
import { score } from './reward/score.ts';
import { weight } from './reward/weight.ts';
import { worldTruth } from './reward/worldTruth.ts';
import { nameImages } from './select/nameImages.ts';
import { pareto } from './select/pareto.ts';
import { top } from './select/top.ts';
import { controlNetConsistency } from './train/controlNetConsistency.ts';

/** Every node of the language, in the order of the palette: one line each. */
export const library: Library = libraryOf([
  text,
  promptList,
  dynamicPrompt,
  joinPrompts,
  expandPrompt,
  expandPromptWithModel,
  number,
  numberRange,
  gridAxes,
  noise,
  sampleDistribution,
  loadDistribution,
  loadStatistics,
  loadImages,
  controlImage,
  controlMap,
  loadGenerator,
  loadLora,
  loadEmbeddings,
  loadControlNet,
  smartControl,
  swapDecoder,
  sample,
  guidedSample,
  bestOfK,
  solverStatistics,
  bestOfN,
  prune,
  fkSteering,
  find,
  paretoNoise,
  population,
  rankSgd,
  spsa,
  reno,
  climb,
  clipScore,
  hps,
  pickScore,
  imageReward,
  aesthetic,
  colourfulness,
  worldTruth,
  weight,
  augment,
  combine,
  score,
  canny,
  hed,
  lineArt,
  depth,
  segmentation,
  conditionMap,
  scoreConsistency,
  asReward,
  top,
  pareto,
  nameImages,
  controlNetConsistency,
  saveImages,
  saveDistribution,
  saveStatistics,
  imageGrid,
  contactSheet,
  beforeAfter,
  scoreTable,
  traceChart,
  genevalTable,
  comparison,
]);
