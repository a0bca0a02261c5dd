import { LabIcon } from '@jupyterlab/ui-components';

import slmlSvg from '../style/slml.svg';

/** A cell with an arrow leaving it: what the panel and the cell button share. */
export const slmlIcon = new LabIcon({
  name: 'jupyter-slml:slml',
  svgstr: slmlSvg
});
