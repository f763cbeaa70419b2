import { Fault } from '../../model/fault.ts';
import type { Link } from '../../ssh/link/link.ts';
import type { Cut } from './splice.ts';

/**
 * How a client was cut whom the lane has not given up. The lane gives up those of its own link before they hear of its end, and tells of that itself;
 * of one that another link has replaced it hears nothing any more, and nobody else would tell.
 */
export function told(ending: Cut, link: Link): Cut {
  const { cut } = ending;
  if (ending.news || cut !== link.fault) return ending;
  const text = `a client was cut with the link that it was joined over, which another one had replaced (${cut.message.replace(/;.*/s, '')}); it may connect again`;
  return { cut: new Fault(cut.code, text, { cause: cut }), news: true };
}
